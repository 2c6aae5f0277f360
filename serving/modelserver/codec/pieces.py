"""A long JSON array in pieces of whole elements, its nesting checked against the shape."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelserver.codec.outline import PIECE_BYTES, Span, unescaped, whole_escapes
from modelserver.errors import InvalidRequest
from modelserver.tensor.values import place as place_in

MAX_ELEMENT_BYTES = 16 << 20
"""Of one string; a number may have as many characters as a piece."""

_VALUE, _OPEN, _CLOSE, _COMMA = range(4)
_SPACE = b" \t\r\n"
_CLASSES = bytes(
    _OPEN if byte == ord("[") else _CLOSE if byte == ord("]") else _COMMA if byte == ord(",") else 0
    for byte in range(256)
)
_UNNESTED = bytes.maketrans(b"[]", b"  ")

# Which may follow which, in an array that holds values at one depth: value, "[", "]", ",".
_FOLLOWS = np.array(
    [
        [True, False, True, True],
        [True, True, False, False],
        [False, False, True, True],
        [True, True, False, False],
    ]
).ravel()


class Piece(NamedTuple):
    """Some elements: their text without brackets, and where in the text it stands."""

    text: bytes
    start: int


def pieces(span: Span, shape: Sequence[int] | None) -> Iterator[Piece]:
    """The pieces of an array, which is nested like `shape`, or flat where that is None.

    Raises:
        InvalidRequest: It is nested otherwise, or an element is too long.
    """
    nesting = _Nesting(shape) if shape is not None else None
    place, end = span.start + 1, span.stop - 1
    while place < end:
        text = whole_escapes(bytes(span.text[place : min(place + PIECE_BYTES, end)]))
        inside = _strings(text) if b'"' in text else None
        at_end = place + len(text) == end
        length = len(text) if at_end else _last_comma(text, inside)
        if length < 0:
            text = _long_string(span.text, place, end, text)
            inside, length = None, len(text)
            at_end = place + length == end
            yield _plain_string(Piece(text, place), nesting, has_more=not at_end)
        else:
            yield _plain(Piece(text[:length], place), inside, nesting, has_more=not at_end)
        place += length + 1
    if nesting is not None:
        nesting.check_end()


def _long_string(text: memoryview, place: int, end: int, begin: bytes) -> bytes:
    """One string that is longer than a piece, with what stands around it."""
    quote = begin.find(b'"')
    if quote < 0:
        raise InvalidRequest("data", f"found an element of more than {PIECE_BYTES} bytes")
    at = place + quote + 1
    while at < end:
        piece = whole_escapes(bytes(text[at : min(at + PIECE_BYTES, end)]))
        closing = unescaped(piece).find(b'"')
        if closing >= 0:
            at += closing + 1
            break
        at += len(piece)
        if at - place > MAX_ELEMENT_BYTES:
            raise InvalidRequest("data", f"found a string of more than {MAX_ELEMENT_BYTES} bytes")
    comma = bytes(text[at : min(at + PIECE_BYTES, end)]).find(b",")
    stop = at + comma if comma >= 0 else end
    if stop - at > PIECE_BYTES:
        raise InvalidRequest("data", f"found {stop - at} bytes after a string, expected a comma")
    return bytes(text[place:stop])


def _plain_string(piece: Piece, nesting: "_Nesting | None", *, has_more: bool) -> Piece:
    if nesting is None:
        return piece
    first, last = piece.text.find(b'"'), piece.text.rfind(b'"') + 1
    head, tail = piece.text[:first], piece.text[last:]
    classes = b"%b\0%b" % (head.translate(_CLASSES, _SPACE), tail.translate(_CLASSES, _SPACE))
    nesting.check(classes, has_more=has_more)
    parts = (head.translate(_UNNESTED), piece.text[first:last], tail.translate(_UNNESTED))
    return Piece(b"".join(parts), piece.start)


def count(span: Span) -> int:
    """How many elements a span has, if it is flat: one more than it has commas outside strings."""
    commas = 0
    place, inside = span.start + 1, False
    while place < span.stop - 1:
        text = whole_escapes(bytes(span.text[place : min(place + PIECE_BYTES, span.stop - 1)]))
        place += len(text)
        if not inside and b'"' not in text:
            commas += text.count(b",")
            continue
        letters = np.frombuffer(unescaped(text), np.uint8)
        quotes = np.cumsum(letters == ord('"'), dtype=np.int32) + inside
        commas += int(((letters == ord(",")) & (quotes % 2 == 0)).sum())
        inside = bool(quotes[-1] % 2)
    return commas + 1


def _strings(text: bytes) -> NDArray[np.bool_]:
    """Which bytes are inside a string, or its opening quote; the text begins outside."""
    letters = np.frombuffer(unescaped(text), np.uint8)
    inside: NDArray[np.bool_] = np.cumsum(letters == ord('"'), dtype=np.int32) % 2 == 1
    return inside


def _last_comma(text: bytes, inside: NDArray[np.bool_] | None) -> int:
    if inside is None:
        return text.rfind(b",")
    commas = np.flatnonzero((np.frombuffer(text, np.uint8) == ord(",")) & ~inside)
    return int(commas[-1]) if commas.size else -1


def _plain(
    piece: Piece, inside: NDArray[np.bool_] | None, nesting: "_Nesting | None", *, has_more: bool
) -> Piece:
    """The piece without brackets, once they are checked."""
    if nesting is None:
        return piece
    text = piece.text
    if inside is None:
        nesting.check(text.translate(_CLASSES, _SPACE), has_more=has_more)
        return Piece(text.translate(_UNNESTED), piece.start)
    letters = np.frombuffer(text, np.uint8).copy()
    outside = ~inside[: len(text)]
    classes = np.frombuffer(_CLASSES, np.uint8)[letters] * outside
    seen = ~(np.isin(letters, np.frombuffer(_SPACE, np.uint8)) & outside)
    nesting.check(classes[seen].tobytes(), has_more=has_more)
    letters[outside & ((letters == ord("[")) | (letters == ord("]")))] = ord(" ")
    return Piece(letters.tobytes(), piece.start)


class _Nesting:
    """How far an array is nested like its shape, told by what stands before each comma."""

    def __init__(self, shape: Sequence[int]) -> None:
        self._shape = shape
        self._rows = [prod(shape[axis:]) for axis in range(1, len(shape))]
        self._commas = self._closed = 0
        self._opened = 1  # the outermost bracket, which no piece has
        self._last = _OPEN

    def check(self, classes: bytes, *, has_more: bool) -> None:
        """Take a piece; a comma that follows it counts as well if it `has_more`."""
        seen = np.frombuffer(bytes([self._last]) + classes + bytes([_COMMA] * has_more), np.uint8)
        pairs = seen[:-1] * np.uint8(4) + seen[1:]
        self._last = int(seen[-1])
        commas = np.flatnonzero(seen[1:] == _COMMA)
        opened = np.cumsum(seen[1:] == _OPEN, dtype=np.int64) + self._opened
        closed = np.cumsum(seen[1:] == _CLOSE, dtype=np.int64) + self._closed
        numbers = np.arange(1, len(commas) + 1, dtype=np.int64) + self._commas
        expected_closed = sum((numbers // row for row in self._rows), np.zeros_like(numbers))
        expected_opened = sum(
            ((numbers - 1) // row for row in self._rows), np.full_like(numbers, len(self._shape))
        )
        wrong = (closed[commas] != expected_closed) | (opened[commas] != expected_opened)
        bad_pairs = np.flatnonzero(~_FOLLOWS[pairs])
        if wrong.any() or bad_pairs.size:
            first = (
                int(numbers[wrong.argmax()])
                if wrong.any()
                else int(numbers[0])
                if len(numbers)
                else self._commas + 1
            )
            raise self._error(first - 1)
        self._commas += len(commas)
        if len(opened):
            self._opened, self._closed = int(opened[-1]), int(closed[-1])

    def check_end(self) -> None:
        """Take the end of the array, whose outermost bracket no piece has."""
        elements = self._commas + 1
        closed = sum(elements // row for row in self._rows)
        if (
            self._closed != closed
            or self._opened - self._closed != 1
            or self._last != (_CLOSE if self._rows else _VALUE)
        ):
            raise self._error(self._commas)

    def _error(self, element: int) -> InvalidRequest:
        where = place_in(element, self._shape) if element < prod(self._shape) else ""
        return InvalidRequest(f"data{where}", f"nested otherwise than by shape {list(self._shape)}")
