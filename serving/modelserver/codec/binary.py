"""Tensors as raw bytes: the protocol's binary tensor data extension. Pure, without copies.

Elements lie in row-major order, little-endian; an element of BYTES is its length in 4 bytes, then
its text in UTF-8.
Source: Open Inference Protocol, binary tensor data extension.
"""

import sys
from collections.abc import Sequence
from math import prod

import numpy as np

from modelserver.codec.buffer import Claim, unclaimed
from modelserver.errors import InvalidBinary
from modelserver.tensor.datatypes import Array, Datatype

_LENGTH_BYTES = 4
_WIDEST = 4  # bytes of a character, where a string has any that is not ASCII

STRING_BYTES = 128
"""What an element of BYTES costs beside its text: an object here, another in ONNX Runtime."""
_BIG_ENDIAN = sys.byteorder == "big"


class Tail:
    """The bytes that follow the JSON of a request: each tensor takes its own, in turn."""

    def __init__(self, content: memoryview) -> None:
        self._content = content
        self._taken = 0

    def take(self, size: object, field: str) -> memoryview:
        """The next `size` bytes; `field` names in errors where the client said that size.

        Raises:
            InvalidBinary: There are fewer, or `size` is no size.
        """
        left = len(self._content) - self._taken
        if type(size) is not int or not 0 <= size <= left:
            raise InvalidBinary(field, f"found {size!r}, expected a whole number up to {left}")
        start = self._taken
        self._taken += size
        return self._content[start : self._taken]

    def check_used_up(self) -> None:
        """Return if every byte belongs to a tensor.

        Raises:
            InvalidBinary: Bytes are left.
        """
        left = len(self._content) - self._taken
        if left:
            raise InvalidBinary("body", f"found {left} bytes after the last binary tensor")


def from_bytes(
    datatype: Datatype,
    shape: Sequence[int],
    content: memoryview,
    field: str,
    claim: Claim = unclaimed,
) -> Array:
    """A read-only array over `content` itself, which is copied only where it lies unaligned.

    Raises:
        InvalidBinary: The size does not fit the shape, or an element its datatype.
        RequestError: `claim` finds no room for its strings.
    """
    if datatype.name == "BYTES":
        return _strings(shape, content, field, claim)
    expected = prod(shape) * datatype.dtype.itemsize
    if len(content) != expected:
        raise InvalidBinary(
            field, f"found {len(content)} bytes, expected {expected} by shape {list(shape)}"
        )
    if datatype.name == "BOOL" and expected and np.frombuffer(content, np.uint8).max() > 1:
        raise InvalidBinary(field, "found a byte other than 0 and 1, expected BOOL")
    array = np.frombuffer(content, datatype.dtype.newbyteorder("<")).reshape(shape)
    if _BIG_ENDIAN:
        array = array.astype(datatype.dtype)
    return np.require(array, requirements="A")


def to_bytes(datatype: Datatype, array: Array) -> bytes | memoryview:
    """The bytes of an array; if it is contiguous, its own memory."""
    if datatype.name == "BYTES":
        encoded = [str(value).encode() for value in array.ravel()]
        return b"".join(
            part for text in encoded for part in (len(text).to_bytes(_LENGTH_BYTES, "little"), text)
        )
    little = array.astype(datatype.dtype.newbyteorder("<")) if _BIG_ENDIAN else array
    return np.ascontiguousarray(little).reshape(-1).view(np.uint8).data


def _strings(shape: Sequence[int], content: memoryview, field: str, claim: Claim) -> Array:
    count = prod(shape)
    if count * _LENGTH_BYTES > len(content):
        raise InvalidBinary(field, f"found {len(content)} bytes, too few for {count} elements")
    claim(count * STRING_BYTES + _WIDEST * len(content))
    array = np.empty(count, dtype=object)
    position = 0
    for index in range(count):
        start = position + _LENGTH_BYTES
        position = start + int.from_bytes(content[start - _LENGTH_BYTES : start], "little")
        if start > len(content) or position > len(content):
            raise InvalidBinary(f"{field}[{index}]", "reaches beyond the end of the tensor's bytes")
        try:
            array[index] = str(content[start:position], "utf-8")
        except UnicodeDecodeError as error:
            raise InvalidBinary(f"{field}[{index}]", "is not UTF-8") from error
    if position != len(content):
        raise InvalidBinary(field, f"found {len(content) - position} bytes after the last element")
    return array.reshape(shape)
