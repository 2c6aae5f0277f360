"""The error for a body that is not JSON: where it stops being so, and what stands there."""

import re
from collections.abc import Callable

import msgspec

from modelserver.codec import json_path
from modelserver.errors import InvalidRequest

Place = Callable[[int], int]
"""From a place in a part of a text to the place in all of it."""

_BYTE = re.compile(r"\(byte (?P<offset>\d+)\)")
_HALF_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")
_NOT_FINITE = re.compile(rb"[-+]?(?:NaN|nan|Infinity|inf)")


def same(offset: int) -> int:
    """The place itself, where the part is all of it."""
    return offset


def malformed(
    body: bytes, error: msgspec.DecodeError, at: Place = same, most: int = json_path.MAX_SCAN_BYTES
) -> InvalidRequest:
    """The error that names the place at which `msgspec` stopped to read, and what it found.

    `at` says where in the whole a byte of what it read stands; a place beyond `most` bytes is not
    looked for.
    """
    match = _BYTE.search(str(error))
    half = None if match else _HALF_PAIR.search(body)  # msgspec takes it for the end of the text
    if half:
        where = json_path.place(body, half.start(), most) or "body"
        return InvalidRequest(where, "found half a surrogate pair, expected Unicode text")
    offset = int(match["offset"]) if match else len(body)
    where = json_path.place(body, offset, most) or "body"
    literal = _NOT_FINITE.match(body, offset) or _NOT_FINITE.match(body, max(0, offset - 1))
    if literal:
        found = literal.group().decode()
        return InvalidRequest(where, f"found {found}, which is not JSON; expected a finite number")
    if match is None:
        return InvalidRequest(where, f"the JSON text ends early, after {at(len(body))} bytes")
    problem = str(error).removeprefix("JSON is malformed: ").partition(" (byte")[0]
    return InvalidRequest(where, f"not JSON at byte {at(offset)}: {problem}")
