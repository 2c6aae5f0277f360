"""One tensor of a request, from its JSON or from the bytes that follow the JSON."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from math import prod
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET

from modelserver.codec import binary
from modelserver.codec.wording import found_and_expected, quoted
from modelserver.errors import InvalidBinary, InvalidRequest
from modelserver.tensor.datatypes import Array, Datatype
from modelserver.tensor.spec import TensorSpec
from modelserver.tensor.values import from_values, place

_BINARY_SIZE = "parameters.binary_data_size"
_NOT_BRACKET = b" \t\r\n"  # what JSON allows before a bracket

# Bytes of text: a longer array is read in parts, so that no object is made of every number at once.
_LONG_BYTES = 64 << 10
_PART_BYTES = 32 << 10


def read(spec: TensorSpec, tensor: Any, tail: binary.Tail | None = None) -> Array:  # noqa: ANN401 - a structure of `protocol`
    """The array of a tensor that was sent for `spec`; its bytes are in `tail` if it is binary.

    Raises:
        InvalidRequest: The tensor is not what `spec` asks for; the error names the place in it.
    """
    if tensor.datatype != spec.datatype.name:
        raise InvalidRequest(
            "datatype", f"found {quoted(tensor.datatype)}, expected {spec.datatype.name}"
        )
    shape, data = tensor.shape, tensor.data
    spec.check_shape(shape)
    size = tensor.parameters.get("binary_data_size") if tensor.parameters else None
    if size is not None:
        if data is not UNSET:
            raise InvalidBinary(_BINARY_SIZE, "found beside data; expected one of the two")
        if tail is None:
            raise InvalidBinary(
                _BINARY_SIZE, "found without the header Inference-Header-Content-Length"
            )
        return binary.from_bytes(spec.datatype, shape, tail.take(size, _BINARY_SIZE), _BINARY_SIZE)
    if data is UNSET:
        raise InvalidRequest("data", "is missing")
    if type(data) is list:
        return from_values(spec.datatype, shape, data)
    if not isinstance(data, msgspec.Raw):
        array: Array = data(spec.datatype, shape)  # no JSON: it knows how to make its array
        return array
    return from_text(spec.datatype, shape, data)


def from_text(datatype: Datatype, shape: Sequence[int], data: msgspec.Raw) -> Array:
    """Array of the given shape from a JSON array, flat in row-major order or nested like the shape.

    Raises:
        InvalidRequest: The text is no such array; the error names the element, as in `data[3]`.
    """
    text = memoryview(data)
    depth = _depth(text)
    if depth == 1 and len(text) > _LONG_BYTES and datatype.name != "BYTES":
        array = _in_parts(datatype, bytes(text))
        if array is not None and len(array) == prod(shape):
            return array.reshape(shape)
    if depth not in {1, len(shape)}:
        deep = f" or nested {len(shape)} deep" if len(shape) > 1 else ""
        raise InvalidRequest("data", f"found {_nesting(depth)}, expected a flat array{deep}")
    try:
        values = _decoder(datatype, depth).decode(data)
    except msgspec.ValidationError as error:
        step, problem = found_and_expected(error, datatype.expected)
        raise InvalidRequest(f"data{step}", problem) from error
    except UnicodeDecodeError as error:
        raise InvalidRequest("data", "found a string that is not UTF-8") from error
    nested = depth != 1
    if nested:
        values = _flatten(values, shape) if shape else [values]
    return from_values(datatype, shape, values, nested=nested)


def _in_parts(datatype: Datatype, text: bytes) -> Array | None:
    """Numbers of a long flat array; None where a part is not right, whatever is wrong with it."""
    decode = _unbounded_decoder(datatype).decode
    parts: list[Array] = []
    start, end = text.index(b"[") + 1, len(text) - 1
    while start <= end:
        comma = text.find(b",", min(start + _PART_BYTES, end), end)
        stop = end if comma < 0 else comma
        try:
            values = decode(b"[%b]" % text[start:stop])
            parts.append(from_values(datatype, (len(values),), values))
        except (ValueError, InvalidRequest):
            return None
        if not values:
            return None
        start = stop + 1
    return np.concatenate(parts)


@lru_cache(maxsize=256)  # datatypes times depths; a client cannot make more than it has shapes for
def _decoder(datatype: Datatype, depth: int) -> msgspec.json.Decoder[Any]:
    shape: Any = datatype.element
    for _ in range(depth):
        shape = list[shape]
    return msgspec.json.Decoder(shape)


@lru_cache(maxsize=256)
def _unbounded_decoder(datatype: Datatype) -> msgspec.json.Decoder[Any]:
    element: Any = datatype.unbounded
    return msgspec.json.Decoder(list[element])


def _depth(data: memoryview) -> int:
    """How many brackets the text begins with."""
    depth = 0
    for byte in data:
        if byte == ord("["):
            depth += 1
        elif byte not in _NOT_BRACKET:
            break
    return depth


def _nesting(depth: int) -> str:
    return "no array" if depth == 0 else f"an array nested {depth} deep"


def _flatten(values: list[Any], shape: Sequence[int]) -> list[Any]:
    """The elements of nested lists, which must have exactly the sizes of `shape`."""
    level: list[Any] = [values]
    for axis, size in enumerate(shape):
        for index, row in enumerate(level):
            if len(row) != size:
                raise InvalidRequest(
                    f"data{place(index, shape[:axis])}",
                    f"found {len(row)} elements, expected {size} by shape[{axis}]",
                )
        level = list(chain.from_iterable(level))
    return level
