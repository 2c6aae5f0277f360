"""Arrays of long tensors, made piece by piece: of no number is there an object for longer.

Where the package pysimdjson is there (`modelserver[simdjson]`) it reads numbers, without making
objects at all. Whatever it does not take, msgspec reads, which also says what is wrong.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from math import inf, prod
from typing import Any, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from modelserver.codec.binary import STRING_BYTES
from modelserver.codec.buffer import Claim
from modelserver.codec.malformed import malformed
from modelserver.codec.outline import Span
from modelserver.codec.pieces import Piece, count, pieces
from modelserver.codec.wording import found_and_expected
from modelserver.errors import InvalidRequest
from modelserver.tensor import bfloat16
from modelserver.tensor.datatypes import Array, Datatype
from modelserver.tensor.values import from_values
from modelserver.tensor.values import place as place_in

_WIDEST = 4  # bytes of a character, where a string has any that is not ASCII
_INDEX = re.compile(r"\[(\d+)\]")
_MINUS_ZERO = re.compile(rb"-0(?![.0-9eE])")  # simdjson takes it for the whole number 0


def read(
    datatype: Datatype, shape: Sequence[int], span: Span, claim: Claim, *, nested: bool
) -> Array:
    """The array of a long JSON array, flat in row-major order or nested like the shape.

    Raises:
        InvalidRequest: The text is no such array; the error names the element.
        RequestError: `claim` finds no room for it.
    """
    expected = prod(shape)
    if 2 * expected - 1 > span.stop - span.start - 2:
        raise _wrong_count(span, shape)
    claim(expected * (STRING_BYTES if datatype.name == "BYTES" else datatype.dtype.itemsize))
    array = np.empty(expected, datatype.dtype)
    parser = _SIMDJSON.Parser() if _SIMDJSON is not None and _is_real(datatype) else None
    filled = 0
    try:
        for piece in pieces(span, shape if nested else None):
            if datatype.name == "BYTES":
                claim(len(piece.text) * (1 if piece.text.isascii() else _WIDEST))
            values = _values(datatype, piece, parser)
            if filled + len(values) > expected:
                raise _wrong_count(span, shape)
            array[filled : filled + len(values)] = values
            filled += len(values)
    except _Wrong as wrong:
        step = f"[{filled + wrong.index}]"
        if nested and filled + wrong.index < expected:
            step = place_in(filled + wrong.index, shape)
        raise InvalidRequest(f"data{step}", wrong.problem) from wrong.__cause__
    if filled != expected:
        raise _wrong_count(span, shape)
    return array.reshape(shape)


class _Wrong(Exception):  # noqa: N818 - never leaves this module
    """An element of a piece is wrong."""

    def __init__(self, index: int, problem: str) -> None:
        super().__init__(problem)
        self.index = index
        self.problem = problem


def _wrong_count(span: Span, shape: Sequence[int]) -> InvalidRequest:
    return InvalidRequest(
        "data", f"found {count(span)} elements, expected {prod(shape)} by shape {list(shape)}"
    )


def _values(datatype: Datatype, piece: Piece, parser: Any) -> Array | list[str]:  # noqa: ANN401
    """The elements of a piece, checked."""
    text = b"[%b]" % piece.text
    if parser is not None:
        doubles = _doubles(text, parser)
        if doubles is not None and len(doubles) and np.abs(doubles).max() < _limit(datatype):
            return _narrow(datatype, doubles)
    values = _objects(datatype, text, piece)
    if not values:
        raise _Wrong(0, f"found no element, expected {datatype.expected}")
    if datatype.name == "BYTES":
        return values
    try:
        return from_values(datatype, (len(values),), values)
    except InvalidRequest as error:
        raise _Wrong(_index(error.field), error.problem) from error


def _is_real(datatype: Datatype) -> bool:
    return datatype.dtype.kind == "f" or datatype.name == "BF16"


@lru_cache(maxsize=16)
def _limit(datatype: Datatype) -> float:
    """The first number that would round to infinity."""
    bounds = get_args(datatype.element)
    return bounds[1].lt if bounds else inf


def _index(path: str) -> int:
    """The first index in the path of an element."""
    found = _INDEX.search(path)
    return int(found[1]) if found else 0


def _narrow(datatype: Datatype, doubles: NDArray[np.float64]) -> Array:
    if datatype.name == "BF16":
        return bfloat16.to_bits(doubles.astype(np.float32))
    return doubles.astype(datatype.dtype)


def _doubles(text: bytes, parser: Any) -> NDArray[np.float64] | None:  # noqa: ANN401
    """Numbers by simdjson; None where it cannot read them, or would read them otherwise."""
    if text.rfind(b"["):
        return None  # it would read over the brackets
    try:
        found = parser.parse(text).as_buffer(of_type="d")
    except (ValueError, TypeError, RuntimeError):
        return None
    doubles = np.frombuffer(found, np.float64)
    return doubles if doubles.all() or not _MINUS_ZERO.search(text) else None


def _objects(datatype: Datatype, text: bytes, piece: Piece) -> list[Any]:
    try:
        values: list[Any] = _decoder(datatype).decode(text)
    except msgspec.ValidationError as error:
        path, problem = found_and_expected(error, datatype.expected)
        raise _Wrong(_index(path), problem) from error
    except msgspec.DecodeError as error:
        wrong = malformed(text, error, lambda offset: piece.start - 1 + offset, len(text))
        raise _Wrong(_index(wrong.field), wrong.problem) from error
    except UnicodeDecodeError as error:
        raise InvalidRequest("data", "found a string that is not UTF-8") from error
    except RecursionError as error:
        raise InvalidRequest("data", "nested too deeply") from error
    return values


@lru_cache(maxsize=16)
def _decoder(datatype: Datatype) -> msgspec.json.Decoder[Any]:
    element: Any = datatype.unbounded
    return msgspec.json.Decoder(list[element])


def _simdjson() -> Any:  # noqa: ANN401 - an optional package
    try:
        return import_module("simdjson")
    except ImportError:
        return None


_SIMDJSON = _simdjson()
