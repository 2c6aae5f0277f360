"""The fields of a protocol buffer, one after another, without a description of its messages.

What is skipped is not read, so that a file of gigabytes costs what its fields cost.

Source: the protocol buffers encoding (wire types).
"""

import mmap
import re
from collections.abc import Iterator
from functools import cache
from types import MappingProxyType

from modelserver.errors import ModelMalformed

Bytes = bytes | mmap.mmap

Field = tuple[int, int, int, int]
"""Number, wire type, value and stop: the content lies between value and stop, which is where the
field ends; of a varint, value is the number itself; of a run, it is where the first field begins.
"""

# Wire types of protocol buffers; 3 and 4 (groups) are not used by ONNX.
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
RUN = 8
"""No wire type: a run of fields of one number that hold a number each, as if it were one field."""

_MANY = 16  # so many fields alike begin a run: lists of trees have millions
_ONE_BYTE_TAG = 0x80
_FIXED_BYTES = MappingProxyType({FIXED64: 8, FIXED32: 4})
_NUMBERS = (VARINT, *_FIXED_BYTES)
_VARINT_BITS = 64  # no number is longer


def fields(content: Bytes, start: int, end: int) -> Iterator[Field]:
    """Each field of the message between `start` and `end`.

    Raises:
        ModelMalformed: What lies there is no message.
    """
    position, before, alike = start, -1, 0
    while position < end:
        begin = position
        tag, position = varint(content, position, end)
        number, wire_type = tag >> 3, tag & 7
        alike = alike + 1 if tag == before else 0
        before = tag
        if alike >= _MANY and wire_type in _NUMBERS and tag < _ONE_BYTE_TAG:
            position = _run_end(content, begin, end, tag)
            if position > begin:
                yield number, RUN, begin, position
                alike = 0
                continue
            position = begin + 1  # what is wrong with it is told below
        if wire_type == VARINT:
            value, position = varint(content, position, end)
            yield number, wire_type, value, position
            continue
        if wire_type == LENGTH:
            length, position = varint(content, position, end)
        else:
            length = _fixed_bytes(wire_type, position)
        stop = position + length
        if stop > end:
            raise ModelMalformed(
                f"byte {position}: a field of {length} bytes, but {end - position} are left; "
                "the model is truncated or not ONNX; export it again"
            )
        yield number, wire_type, position, stop
        position = stop


def _run_end(content: Bytes, start: int, end: int, tag: int) -> int:
    """Where a run of fields with this tag ends."""
    found = _pattern(tag).match(content, start, end)
    return found.end() if found else start


@cache
def _pattern(tag: int) -> re.Pattern[bytes]:
    """One or more fields with a tag of one byte; nothing is remembered of each."""
    wire_type = tag & 7
    value = b"[\x80-\xff]{0,9}[\x00-\x7f]"
    if wire_type != VARINT:
        value = b".{%d}" % _FIXED_BYTES[wire_type]
    return re.compile(b"(?:" + re.escape(bytes([tag])) + value + b")++", re.DOTALL)


def varint(content: Bytes, position: int, end: int) -> tuple[int, int]:
    """The number at a position, and the position after it.

    Raises:
        ModelMalformed: It does not end before `end`, or is longer than any number.
    """
    if position < end and (byte := content[position]) < 0x80:  # noqa: PLR2004 - as below
        return byte, position + 1  # nearly all are as short
    number = 0
    for shift in range(0, _VARINT_BITS + 6, 7):
        if position >= end:
            break
        byte = content[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the top bit says that more bytes follow
            return number, position
    raise ModelMalformed(
        f"byte {position}: a number without an end; the model is truncated or not ONNX"
    )


def signed(number: int) -> int:
    """A varint as the int64 that it stands for."""
    number &= (1 << _VARINT_BITS) - 1
    return number - (1 << _VARINT_BITS) if number >> (_VARINT_BITS - 1) else number


def _fixed_bytes(wire_type: int, position: int) -> int:
    try:
        return _FIXED_BYTES[wire_type]
    except KeyError:
        raise ModelMalformed(
            f"byte {position}: found wire type {wire_type}, expected 0, 1, 2 or 5; "
            "the artifact is not an ONNX model"
        ) from None
