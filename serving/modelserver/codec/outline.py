"""Long requests, read without ever making an object of each number at once.

The outline of a request is all of it but the arrays in `inputs[i].data`. It is short, whatever the
request, and is decoded like any other; each array stays where it is, as a `Span`, and is made into
an array piece by piece. What is counted here is counted before it is made: tensors, depth, bytes.
"""

import json
import re
from typing import Any, NamedTuple

import msgspec
import numpy as np

from modelserver.errors import BodyTooLarge, InvalidRequest

LONG_BYTES = 64 << 10
"""Requests with more JSON than this are read in pieces, by a thread beside the event loop."""

MAX_OUTLINE_BYTES = 256 << 10
"""All of a request but the data of its tensors."""

MAX_DEPTH = 64
"""Of what is nested in an outline; no field of the protocol lies as deep."""

PIECE_BYTES = 64 << 10
"""Looked at in one call, which holds up every other thread meanwhile."""

_TOKEN = re.compile(rb'[\[\]{}:,]|"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_SPACE = b" \t\r\n"
_NOTHING = b"[]"
_TWICE = "found twice in one object, expected once"
_IN = 2  # steps of a path: inputs, index


class Span(NamedTuple):
    """An array in a text, from its bracket to the one that closes it."""

    text: memoryview
    start: int
    stop: int


def check_keys(text: bytes) -> None:
    """Return if no object in a short text, which is JSON, has a key twice.

    Raises:
        InvalidRequest: One has; the error names the place.
    """
    try:
        json.loads(text, object_pairs_hook=_once, parse_int=str, parse_float=str)
    except _Twice:
        Outline(memoryview(text), len(text), keeps_all=True)  # which names the place
    except UnicodeDecodeError as error:
        raise InvalidRequest("body", "found bytes that are not UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("body", f"not JSON: {error}") from error


class _Twice(Exception):  # noqa: N818 - never leaves this module
    """A key is there twice, somewhere."""


def _once(pairs: list[tuple[str, Any]]) -> None:
    keys = {key for key, _ in pairs}
    if len(keys) != len(pairs):
        raise _Twice


class Outline:
    """A request without the data of its tensors, as `text`.

    Raises:
        InvalidRequest: A key is there twice, or too much of something; the error names the place.
        BodyTooLarge: Beside the data there is too much.
    """

    def __init__(self, text: memoryview, most_inputs: int, *, keeps_all: bool = False) -> None:
        self._spans: dict[int, Span] = {}
        self._cuts: list[tuple[int, int]] = []
        self._text = text
        self._most_inputs = most_inputs
        self._keeps_all = keeps_all
        self._most_bytes = len(text) if keeps_all else MAX_OUTLINE_BYTES
        self._steps: list[str | int | None] = []
        self._keys: list[set[str]] = []
        self._string = b""
        self.text = self._cut()

    def filled(self, request: Any) -> Any:  # noqa: ANN401 - an `InferRequest`
        """The request that was read from `text`, with its arrays of data as spans."""
        inputs = [
            msgspec.structs.replace(tensor, data=self._spans[index])
            if index in self._spans
            else tensor
            for index, tensor in enumerate(request.inputs)
        ]
        return msgspec.structs.replace(request, inputs=inputs)

    def place(self, offset: int) -> int:
        """Where in the whole text a byte of the outline stands."""
        return offset + sum(length for start, length in self._cuts if start < offset)

    def _cut(self) -> bytes:
        """The outline, in which each array of data is an empty one."""
        kept: list[bytes] = []
        size = start = 0
        while True:
            window = bytes(self._text[start : start + self._most_bytes - size])
            cut = self._follow(window)
            if cut is None:
                if start + len(window) < len(self._text):
                    raise BodyTooLarge(
                        f"body: found more than {MAX_OUTLINE_BYTES} bytes beside the data of its "
                        "tensors, expected at most these"
                    )
                return b"".join((*kept, window))
            stop = end_of_array(self._text, start + cut)
            self._spans[self._index()] = Span(self._text, start + cut, stop)
            kept += (window[:cut], _NOTHING)
            size += cut + len(_NOTHING)
            self._cuts.append((size - 1, stop - start - cut - len(_NOTHING)))
            start = stop

    def _follow(self, window: bytes) -> int | None:
        """Where in a window an array of data begins; None if none does."""
        steps = self._steps
        for match in _TOKEN.finditer(window):
            token = match.group()
            if token in b"[{":
                self._open(token)
            elif token in b"]}":
                if steps:
                    steps.pop()
                    self._keys.pop()
            elif token == b",":
                self._next()
            elif token != b":":
                self._string = token
            elif steps:
                self._name()
                if self._is_data() and (bracket := _bracket(window, match.end())) is not None:
                    return bracket
        return None

    def _open(self, token: bytes) -> None:
        if len(self._steps) >= MAX_DEPTH:
            raise InvalidRequest(self._where(), "nested too deeply")
        self._steps.append(0 if token == b"[" else None)
        self._keys.append(set())

    def _next(self) -> None:
        if not self._steps:
            return
        last = self._steps[-1]
        self._steps[-1] = last + 1 if isinstance(last, int) else None
        if last == self._most_inputs - 1 and self._steps[0] == "inputs" and len(self._steps) == _IN:
            raise InvalidRequest(
                "inputs", f"found more than {self._most_inputs}, expected at most these"
            )

    def _name(self) -> None:
        """Take the string before a colon as the key of what follows."""
        try:
            key = msgspec.json.decode(self._string, type=str)
        except (msgspec.DecodeError, UnicodeDecodeError):
            key = self._string.decode("utf-8", "replace")  # the decoder will say what is wrong
        self._steps[-1] = key
        if key in self._keys[-1]:
            raise InvalidRequest(self._where(), _TWICE)
        self._keys[-1].add(key)

    def _is_data(self) -> bool:
        steps = self._steps
        return (
            not self._keeps_all
            and len(steps) == _IN + 1
            and steps[0] == "inputs"
            and isinstance(steps[1], int)
            and steps[2] == "data"
        )

    def _index(self) -> int:
        index = self._steps[1]
        return index if isinstance(index, int) else 0

    def _where(self) -> str:
        """The path of the value that is looked at."""
        named = [each for each in self._steps if each is not None]
        steps = [f"[{each}]" if isinstance(each, int) else f".{each[:64]}" for each in named[:6]]
        steps += ["..."] * (len(named) > len(steps))
        return "".join(steps).removeprefix(".") or "body"


def _bracket(window: bytes, place: int) -> int | None:
    """Where an array begins that is the next value; None if it is another one."""
    while place < len(window) and window[place] in _SPACE:
        place += 1
    return place if window[place : place + 1] == b"[" else None


def end_of_array(text: memoryview, start: int) -> int:
    """Where the array that begins there ends, behind its closing bracket.

    Raises:
        InvalidRequest: It does not end.
    """
    depth, inside, place = 1, 0, start + 1
    while place < len(text):
        piece = whole_escapes(bytes(text[place : place + PIECE_BYTES]))
        plain = unescaped(piece)
        if inside or b'"' in plain or b"]" in plain:
            ends, depth, inside = _brackets(plain, depth, inside)
            if ends is not None:
                return place + ends + 1
        elif b"[" in plain:
            depth += plain.count(b"[")
        place += len(piece)
    raise InvalidRequest("body", f"the JSON text ends early, after {len(text)} bytes")


def whole_escapes(piece: bytes) -> bytes:
    """A piece without a backslash at its end that belongs to what follows."""
    odd = (len(piece) - len(piece.rstrip(b"\\"))) % 2
    return piece[:-1] if odd and len(piece) > 1 else piece


def unescaped(piece: bytes) -> bytes:
    """A piece in which every escaped byte is another one, so that each quote in it is a quote."""
    if b"\\" not in piece:
        return piece
    letters = np.frombuffer(piece, np.uint8).copy()
    backslashes = letters == ord("\\")
    places = np.arange(len(letters), dtype=np.int32)
    before = np.maximum.accumulate(np.where(backslashes, np.int32(-1), places))
    escaping = backslashes & ((places - before) % 2 == 1)
    letters[1:][escaping[:-1]] = ord("_")
    return letters.tobytes()


def _brackets(plain: bytes, depth: int, inside: int) -> tuple[int | None, int, int]:
    """Where the depth becomes 0 in a piece (None: nowhere), else the depth after it.

    The last number says whether the piece ends inside a string. `plain` has no escapes.
    """
    letters = np.frombuffer(plain, np.uint8)
    quotes = np.cumsum(letters == ord('"'), dtype=np.int32) + inside
    steps = (letters == ord("[")).astype(np.int8) - (letters == ord("]")).astype(np.int8)
    steps[quotes % 2 == 1] = 0
    depths = np.cumsum(steps, dtype=np.int32) + depth
    ends = np.flatnonzero(depths == 0)
    return (int(ends[0]) if ends.size else None), int(depths[-1]), int(quotes[-1]) % 2
