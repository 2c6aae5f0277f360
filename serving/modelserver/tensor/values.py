"""Arrays from Python values, and back. Pure: no file, clock or network."""

import struct
from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from modelserver.errors import InvalidRequest
from modelserver.tensor import bfloat16
from modelserver.tensor.datatypes import Array, Datatype


def from_values(
    datatype: Datatype,
    shape: Sequence[int],
    values: list[Any],
    *,
    nested: bool = False,
) -> Array:
    """Array of the given shape from elements of the right type in row-major order.

    `nested` says that the client nested the elements: an error then names the place as it was sent.

    Raises:
        InvalidRequest: The number of elements is not the product of the shape, or one of them is
            out of the datatype's range.
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
        step = place(index, shape) if nested else f"[{index}]"
        raise InvalidRequest(
            f"data{step}", f"found {values[index]}, expected {datatype.expected}"
        ) from error
    return np.ndarray(shape, datatype.dtype, packed)


def to_values(datatype: Datatype, array: Array) -> list[Any]:
    """The elements of an array in row-major order; NaN and infinities stay what they are."""
    if datatype.name == "BF16":
        array = bfloat16.from_bits(array)
    values: list[Any] = array.ravel().tolist()
    return values


def place(index: int, shape: Sequence[int]) -> str:
    """`[1][2]` for the element of that index, counted in row-major order, in a shape."""
    return "".join(f"[{step}]" for step in np.unravel_index(index, shape)) if shape else ""


@lru_cache(maxsize=256)  # clients repeat a few sizes
def _packer(number: int, code: str) -> struct.Struct:
    return struct.Struct(f"<{number}{code}")


def _fits(value: float, code: str) -> bool:
    try:
        struct.pack(f"<{code}", value)
    except (struct.error, OverflowError):
        return False
    return True


def _strings(values: list[str]) -> Array:
    """Strings as objects, even where numpy would rather make an array of an empty list."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
