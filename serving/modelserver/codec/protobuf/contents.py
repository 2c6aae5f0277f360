"""Typed contents of a tensor: the protocol's form without raw bytes."""

from collections.abc import Iterable, Iterator, Sequence
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from modelserver.codec import binary
from modelserver.codec.buffer import Claim
from modelserver.codec.protobuf import messages
from modelserver.codec.protobuf.fields import BYTES, fields, head, malformed
from modelserver.errors import InvalidRequest
from modelserver.tensor.datatypes import Array, Datatype

PART_BYTES = 32 << 10
"""Of a long field so much is decoded at once."""

_NAMES = MappingProxyType(
    {
        "BOOL": "bool_contents",
        **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
        "INT64": "int64_contents",
        **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
        "UINT64": "uint64_contents",
        "FP32": "fp32_contents",
        "FP64": "fp64_contents",
        "BYTES": "bytes_contents",
    }
)
_DTYPES = MappingProxyType({"int_contents": np.dtype(np.int32), "uint_contents": np.dtype("u4")})
_FIXED_BYTES = MappingProxyType({6: 4, 7: 8})  # of one packed number, by the field's number
_STRINGS = 8  # the number of bytes_contents


def read(contents: Any, datatype: Datatype, shape: Sequence[int], claim: Claim) -> Array:  # noqa: ANN401 - a message
    """The array of a message InferTensorContents.

    Raises:
        InvalidRequest: It is not of the datatype or the shape; the error names the element.
        RequestError: `claim` finds no room for the array.
    """
    return _array(datatype, shape, [contents], claim)


def read_cut(
    parts: Sequence[memoryview], datatype: Datatype, shape: Sequence[int], claim: Claim
) -> Array:
    """The array of such a message, serialized in these parts, read without a copy of it.

    Raises:
        InvalidRequest: As `read`.
        RequestError: As `read`.
    """
    return _array(datatype, shape, map(_parse, _pieces(parts)), claim)


def _array(
    datatype: Datatype,
    shape: Sequence[int],
    pieces: Iterable[Any],
    claim: Claim,
) -> Array:
    name = _NAMES.get(datatype.name)
    if name is None:
        raise InvalidRequest("raw_input_contents", f"is missing; {datatype.name} has no other form")
    expected, found = prod(shape), 0
    arrays: list[Array] = []
    for piece in pieces:
        for field, values in piece.ListFields():
            if field.name != name:
                raise InvalidRequest(
                    "contents", f"found {field.name}, expected {name} for {datatype.name}"
                )
            if found + len(values) <= expected:
                claim(_held_bytes(datatype, values))
                arrays.append(_converted(datatype, name, values, found))
            found += len(values)
    if found != expected:
        raise InvalidRequest(
            f"contents.{name}",
            f"found {found} elements, expected {expected} by shape {list(shape)}",
        )
    if len(arrays) == 1:
        return arrays[0].reshape(shape)
    return np.concatenate(arrays or [np.empty(0, datatype.dtype)]).reshape(shape)


def _held_bytes(datatype: Datatype, values: Any) -> int:  # noqa: ANN401 - repeated values
    """What elements take: as a part, and in the array that the parts become."""
    if datatype.name == "BYTES":
        return binary.STRING_BYTES * len(values) + binary.WIDEST * sum(map(len, values))
    return 2 * datatype.dtype.itemsize * len(values)


def _converted(datatype: Datatype, name: str, values: Any, before: int) -> Array:  # noqa: ANN401 - repeated values
    """An array of these elements, of which the first has the index `before`."""
    if datatype.name == "BYTES":
        return _strings(name, values, before)
    array = np.array(values, _DTYPES.get(name, datatype.dtype))
    converted = array.astype(datatype.dtype, copy=False)
    if array.dtype != datatype.dtype and (wrong := np.flatnonzero(converted != array)).size:
        first = int(wrong[0])
        raise InvalidRequest(
            f"contents.{name}[{before + first}]",
            f"found {array[first]}, expected {datatype.expected}",
        )
    return converted


def _strings(name: str, values: Any, before: int) -> Array:  # noqa: ANN401 - repeated values
    array = np.empty(len(values), dtype=object)
    for index, value in enumerate(values):
        try:
            array[index] = str(value, "utf-8")
        except UnicodeDecodeError as error:
            raise InvalidRequest(f"contents.{name}[{before + index}]", "is not UTF-8") from error
    return array


def _parse(piece: bytes) -> Any:  # noqa: ANN401 - protobuf makes classes at run time
    try:
        return messages.TensorContents.FromString(piece)
    except DecodeError as error:
        raise malformed("other bytes in contents") from error


def _pieces(parts: Sequence[memoryview]) -> Iterator[bytes]:
    """The serialized message in messages of about `PART_BYTES`, which say the same in turn."""
    waiting: list[memoryview] = []
    waiting_bytes = 0
    for field in (field for part in parts for field in fields(part)):
        if field.wire_type == BYTES and field.number < _STRINGS and len(field.value) > PART_BYTES:
            yield b"".join(waiting)
            waiting, waiting_bytes = [], 0
            for chunk in _chunks(field.number, field.value):
                yield head(field.number, len(chunk)) + chunk
            continue
        if len(field.whole) > PART_BYTES and field.wire_type != BYTES:
            raise InvalidRequest("contents", "found many numbers one by one, expected them packed")
        waiting.append(field.whole)
        waiting_bytes += len(field.whole)
        if waiting_bytes >= PART_BYTES:
            yield b"".join(waiting)
            waiting, waiting_bytes = [], 0
    yield b"".join(waiting)


def _chunks(number: int, packed: memoryview) -> Iterator[bytes]:
    """Packed numbers in parts, none of which ends within a number."""
    position = 0
    size = _FIXED_BYTES.get(number, 1)
    while position < len(packed):
        end = min(position + PART_BYTES // size * size, len(packed))
        if size == 1:
            while end < len(packed) and packed[end - 1] & 0x80:
                end += 1
        yield bytes(packed[position:end])
        position = end
