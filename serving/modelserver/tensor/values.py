"""Tensors between JSON and memory. Pure: no file, clock or network."""

import struct
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from math import prod
from typing import Any

import msgspec
import numpy as np

from modelserver.codec.wording import found_and_expected
from modelserver.errors import InvalidRequest
from modelserver.model.contract import ANY_SIZE, TensorSpec
from modelserver.tensor import bfloat16
from modelserver.tensor.datatypes import Array, Datatype

_NOT_BRACKET = b" \t\r\n"
_MAX_BESIDE_ZERO = 1 << 16
_LONG_BYTES, _PART_BYTES = 64 << 10, 32 << 10


def check_shape(spec: TensorSpec, shape: list[int]) -> None:
    """Return if the contract allows the shape. Raises `InvalidRequest` naming ``shape[1]``."""
    if shape and shape[0] and shape[1:] == spec.row:
        return  # by far the most frequent case
    promised = spec.shape
    if len(shape) != len(promised):
        raise InvalidRequest(
            "shape", f"found {len(shape)} dimensions, expected {len(promised)}: {list(promised)}"
        )
    for axis, (size, promise) in enumerate(zip(shape, promised, strict=True)):
        if promise not in {size, ANY_SIZE}:
            raise InvalidRequest(f"shape[{axis}]", f"found {size}, expected {promise}")
    if 0 in shape and max(shape) > _MAX_BESIDE_ZERO:
        # No data bounds these sizes, yet the outputs may grow with them.
        raise InvalidRequest(
            "shape", f"found {shape}, expected at most {_MAX_BESIDE_ZERO} beside a 0"
        )


def from_raw(spec: TensorSpec, shape: Sequence[int], data: msgspec.Raw) -> Array:
    """Array of the given shape from a JSON array, flat in row-major order or nested like the shape.

    Raises `InvalidRequest` naming the element, as in ``data[3]``.
    """
    text = memoryview(data)
    depth = _depth(text)
    if depth == 1 and len(text) > _LONG_BYTES and spec.datatype.name != "BYTES":
        array = _in_parts(spec.datatype, bytes(text))
        if array is not None and len(array) == prod(shape):
            return array.reshape(shape)
    if depth not in {1, len(shape)}:
        deep = f" or nested {len(shape)} deep" if len(shape) > 1 else ""
        raise InvalidRequest("data", f"found {_nesting(depth)}, expected a flat array{deep}")
    try:
        values = _decoder(spec.datatype, depth).decode(data)
    except msgspec.ValidationError as error:
        step, problem = found_and_expected(error, spec.datatype.expected)
        raise InvalidRequest(f"data{step}", problem) from error
    except UnicodeDecodeError as error:
        raise InvalidRequest("data", "found a string that is not UTF-8") from error
    nested = depth != 1
    if nested:
        values = _flatten(values, shape) if shape else [values]
    return from_values(spec.datatype, shape, values, nested=nested)


def _in_parts(datatype: Datatype, text: bytes) -> Array | None:
    """Numbers of a long flat array; None where a part is not right, whatever is wrong with it."""
    decode = _unbounded_decoder(datatype).decode
    parts: list[Array] = []
    place, end = text.index(b"[") + 1, len(text) - 1
    while place <= end:
        comma = text.find(b",", min(place + _PART_BYTES, end), end)
        stop = end if comma < 0 else comma
        try:
            values = decode(b"[%b]" % text[place:stop])
            parts.append(from_values(datatype, (len(values),), values))
        except (ValueError, InvalidRequest):
            return None
        if not values:
            return None
        place = stop + 1
    return np.concatenate(parts)


def from_values(
    datatype: Datatype,
    shape: Sequence[int],
    values: list[Any],
    *,
    nested: bool = False,
) -> Array:
    """Array of the given shape from elements of the right type in row-major order.

    `nested` says that the client nested them, so that an error can name the place as it was given.

    Raises `InvalidRequest` where their number is not the product of the shape, or one is out of
    the datatype's range.
    """
    expected = prod(shape)
    if len(values) != expected:
        raise InvalidRequest(
            "data", f"found {len(values)} elements, expected {expected} by shape {list(shape)}"
        )
    if not datatype.code:
        if datatype.name == "BF16":
            return bfloat16.to_bits(np.array(values, np.float32)).reshape(shape)
        return _strings(values).reshape(shape)
    try:
        # Three times as fast as np.array(values, dtype); "<" checks the range of floats too.
        packed = _packer(expected, datatype.code).pack(*values)
    except (struct.error, OverflowError) as error:
        index = next(i for i, value in enumerate(values) if not _fits(value, datatype.code))
        step = _steps(index, shape) if nested else f"[{index}]"
        raise InvalidRequest(
            f"data{step}", f"found {values[index]}, expected {datatype.expected}"
        ) from error
    return np.ndarray(shape, datatype.dtype, packed)


@lru_cache(maxsize=256)
def _packer(number: int, code: str) -> struct.Struct:
    return struct.Struct(f"<{number}{code}")


def _fits(value: float, code: str) -> bool:
    try:
        struct.pack(f"<{code}", value)
    except (struct.error, OverflowError):
        return False
    return True


def to_values(datatype: Datatype, array: Array) -> list[Any]:
    """JSON elements in row-major order; NaN and infinities stay what they are."""
    if datatype.name == "BF16":
        array = bfloat16.from_bits(array)
    values: list[Any] = array.ravel().tolist()
    return values


def _strings(values: list[str]) -> Array:
    """Strings as objects, even where numpy would rather make an array of an empty list."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _steps(index: int, shape: Sequence[int]) -> str:
    """``[1][2]`` for the place of an element, counted in row-major order, in a shape."""
    return "".join(f"[{step}]" for step in np.unravel_index(index, shape)) if shape else ""


@lru_cache(maxsize=256)
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
    """Elements of nested lists, which must have exactly the sizes of `shape`."""
    level: list[Any] = [values]
    for axis, size in enumerate(shape):
        for index, row in enumerate(level):
            if len(row) != size:
                raise InvalidRequest(
                    f"data{_steps(index, shape[:axis])}",
                    f"found {len(row)} elements, expected {size} by shape[{axis}]",
                )
        level = list(chain.from_iterable(level))
    return level
