"""The wire format of protobuf, as far as long messages are cut by it without a copy.

Source: Protocol Buffers, encoding.
"""

from collections.abc import Iterator
from typing import NamedTuple

from modelserver.errors import InvalidRequest

BYTES = 2
"""The wire type of strings, bytes, messages and packed numbers."""

_VARINT = 0
_FIXED = {1: 8, 5: 4}  # bytes by wire type
_WIRE_TYPE_BITS = 3
_MAX_VARINT_BYTES = 10


class Field(NamedTuple):
    """One field of a message: its number, its wire type, all its bytes, and those of its value."""

    number: int
    wire_type: int
    whole: memoryview
    value: memoryview


def fields(message: memoryview) -> Iterator[Field]:
    """The fields of a message, in the order in which they lie.

    Raises:
        InvalidRequest: The bytes are no message.
    """
    position = 0
    while position < len(message):
        start = position
        key, position = _varint(message, position)
        wire_type = key & ((1 << _WIRE_TYPE_BITS) - 1)
        if wire_type == BYTES:
            size, position = _varint(message, position)
        elif wire_type == _VARINT:
            size = _varint(message, position)[1] - position
        elif wire_type in _FIXED:
            size = _FIXED[wire_type]
        else:
            raise malformed(f"wire type {wire_type}")
        end = position + size
        if end > len(message):
            raise malformed("a field that reaches beyond its message")
        number = key >> _WIRE_TYPE_BITS
        yield Field(number, wire_type, message[start:end], message[position:end])
        position = end


def head(number: int, size: int) -> bytes:
    """What stands before a value of so many bytes in a field of wire type `BYTES`."""
    return _encoded(number << _WIRE_TYPE_BITS | BYTES) + _encoded(size)


def malformed(found: str) -> InvalidRequest:
    """The error for bytes that are no message."""
    return InvalidRequest("message", f"found {found}, expected a protobuf message")


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """A number, and the place behind it."""
    number = 0
    for index, byte in enumerate(message[position : position + _MAX_VARINT_BYTES]):
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that more bytes follow
            return number, position + index + 1
    raise malformed("a number that does not end")


def _encoded(number: int) -> bytes:
    parts = bytearray()
    while number >= 0x80:  # noqa: PLR2004 - the bit that says that more bytes follow
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
