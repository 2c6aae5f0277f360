"""The fields of a long message, which are cut without a copy of what they hold."""

from collections.abc import Iterator
from typing import NamedTuple

from modelserver.artifact import protobuf
from modelserver.errors import InvalidRequest, ModelMalformed

BYTES = protobuf.LENGTH
"""The wire type of strings, bytes, messages and packed numbers."""


class Field(NamedTuple):
    """One field of a message: its number, its wire type, all its bytes, and those of its value.

    Only a field of wire type `BYTES` has the latter.
    """

    number: int
    wire_type: int
    whole: memoryview
    value: memoryview


def fields(message: memoryview) -> Iterator[Field]:
    """The fields of a message, in the order in which they lie.

    Raises:
        InvalidRequest: The bytes are no message.
    """
    start = 0
    try:
        for number, wire_type, value, stop in protobuf.fields(message, 0, len(message)):
            place = value if wire_type == BYTES else stop
            yield Field(number, wire_type, message[start:stop], message[place:stop])
            start = stop
    except ModelMalformed as error:
        raise malformed("other bytes") from error


def head(number: int, size: int) -> bytes:
    """What stands before a value of so many bytes in a field of wire type `BYTES`."""
    return _encoded(number << 3 | BYTES) + _encoded(size)


def malformed(found: str) -> InvalidRequest:
    """The error for bytes that are no message."""
    return InvalidRequest("message", f"found {found}, expected a protobuf message")


def _encoded(number: int) -> bytes:
    parts = bytearray()
    while number >= 0x80:  # noqa: PLR2004 - the bit that says that more bytes follow
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
