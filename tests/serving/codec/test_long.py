"""Long arrays, read in pieces of any size, against the reader of short ones."""

import json
import tracemalloc
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelserver.codec import long, outline, pieces
from modelserver.codec.outline import Span
from modelserver.codec.tensors import from_span, from_text
from modelserver.errors import BodyTooLarge, InvalidRequest
from modelserver.tensor.datatypes import DATATYPES
from tests.serving.codecs import ROUND_TRIPS, codec_of

SIZES = st.integers(64, 160)  # more than one number takes, with its brackets
FP32 = DATATYPES["FP32"]


def as_span(text: bytes) -> Span:
    """A whole text as a span."""
    view = memoryview(text)
    return Span(view, 0, outline.end_of_array(view, 0))


def in_pieces(size: int, datatype: str, shape: list[int], text: bytes) -> Any:  # noqa: ANN401
    """What becomes of an array that counts as long, in pieces of that size; the error if none."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (outline, pieces):
            patch.setattr(module, "PIECE_BYTES", size)
        patch.setattr("modelserver.codec.tensors.LONG_BYTES", 0)
        try:
            return from_span(DATATYPES[datatype], shape, as_span(text), lambda _: None)
        except InvalidRequest as error:
            return error


def at_once(datatype: str, shape: list[int], text: bytes) -> Any:  # noqa: ANN401
    """The same by the reader of short ones."""
    try:
        return from_text(DATATYPES[datatype], shape, msgspec.Raw(text))
    except InvalidRequest as error:
        return error
    except (msgspec.DecodeError, RecursionError) as error:
        return InvalidRequest("data", str(error))


def same(one: Any, other: Any) -> bool:  # noqa: ANN401
    """Whether both are the same array, bit for bit, or both refusals."""
    if isinstance(one, InvalidRequest) or isinstance(other, InvalidRequest):
        return isinstance(one, InvalidRequest) and isinstance(other, InvalidRequest)
    if one.dtype == object:
        return one.shape == other.shape and one.tolist() == other.tolist()
    return one.shape == other.shape and one.tobytes() == other.tobytes()


SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4)
SPACES = st.sampled_from(["", " ", "\n  "])
TEXTS = st.text(st.sampled_from('a,[]{}"\\é😀 '), max_size=40)


@st.composite
def arrays(draw: st.DrawFn) -> tuple[str, list[int], bytes]:
    """A datatype, a shape and the text of an array of them, flat or nested."""
    datatype = draw(st.sampled_from(sorted(DATATYPES)))
    shape = draw(SHAPES)
    element = st.sampled_from(ROUND_TRIPS[datatype])
    if datatype == "BYTES":
        element = TEXTS
    elif datatype.startswith(("FP3", "FP6")):
        element = st.floats(width=32, allow_nan=False, allow_infinity=False) | st.just(-0.0)
    count = int(np.prod(shape))
    values: Any = draw(st.lists(element, min_size=count, max_size=count))
    if draw(st.booleans()):
        flat = np.empty(count, object)
        flat[:] = values
        values = flat.reshape(shape).tolist()
    space = draw(SPACES)
    ascii_only = draw(st.booleans())
    text = json.dumps(values, separators=(f"{space},{space}", ":"), ensure_ascii=ascii_only)
    return datatype, shape, text.encode()


@settings(deadline=None)
@given(arrays(), SIZES)
def test_pieces_of_any_size_give_the_same(array: tuple[str, list[int], bytes], size: int) -> None:
    """Where a piece ends does not matter."""
    expected, found = at_once(*array), in_pieces(size, *array)

    assert same(expected, found), (expected, found)


@settings(deadline=None)
@given(arrays(), SIZES, st.data())
def test_mistakes_are_found_in_pieces_too(
    array: tuple[str, list[int], bytes], size: int, data: st.DataObject
) -> None:
    """A text in which a byte was changed is refused or taken just as if it were read at once."""
    datatype, shape, text = array
    place = data.draw(st.integers(1, len(text) - 1))
    put = data.draw(st.sampled_from([b"", b",", b"[", b"]", b" ", b"0", b'"', b"-", b"1e9", b"{"]))
    changed = text[:place] + put + text[place + 1 :]
    try:
        span = as_span(changed)
    except InvalidRequest:
        return  # it does not end
    if span.stop != len(changed):
        return  # it ends before, and what follows is no array

    expected, found = at_once(datatype, shape, changed), in_pieces(size, datatype, shape, changed)

    assert same(expected, found), (changed, expected, found)


@pytest.mark.parametrize("parser", ["simdjson", "msgspec"])
def test_number_by_number_as_python_reads_it(parser: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digits are rounded to the nearest number, ties to even, with either parser."""
    if parser == "msgspec":
        monkeypatch.setattr(long, "_SIMDJSON", None)
    chance = np.random.default_rng(1)
    values = np.concatenate(
        [chance.integers(0, 2**63, 20_000).view(np.float64), chance.normal(size=20_000)]
    )
    values = values[np.isfinite(values)]
    text = json.dumps(values.tolist()).encode()

    found = from_span(DATATYPES["FP64"], [len(values)], as_span(text), lambda _: None)

    assert values.tobytes() == found.tobytes()


def test_parser_without_objects_is_there() -> None:
    """Tests and the image have the package that reads numbers without making objects."""
    assert long._SIMDJSON is not None


COUNT = 400_000
ROWS = b"[" + b",".join([b"[0,1]"] * (COUNT // 2)) + b"]"


def body(data: bytes, datatype: str = "FP32", rows: int = COUNT // 2) -> bytes:
    """A request with these data in rows of two."""
    head = b'{"inputs": [{"name": "x", "shape": [%d, 2], "datatype": "%b", "data": '
    return head % (rows, datatype.encode()) + data + b"}]}"


@pytest.mark.parametrize(
    ("sent", "refused"),
    [
        (body(b"[" + b"0," * (COUNT - 1) + b"0]"), ""),
        (body(b"[" + b"0," * (COUNT - 1) + b"1e39]"), "inputs[0].data[399999]: found 1e+39"),
        (body(b"[" + b"0," * COUNT + b"0]"), "found 400001 elements, expected 400000"),
        (body(ROWS), ""),
        (body(ROWS[:-2] + b",1]]"), "nested otherwise"),
        (body(ROWS.replace(b"1", b"[1]", 1)), "nested otherwise"),
        (body(b"[" * 450_000 + b"]" * 450_000), "nested too deeply"),
        (body(b"[" + b"1" * 900_000 + b"]"), "found an element of more than"),
        (body(b"[]")[:-3] + b",[]" * 300_000 + b"]}]}", "bytes beside"),
        (b'{"inputs": [' + b"{}," * 300_000 + b"{}]}", "inputs: found more than 1, expected"),
        (b'{"inputs": [], "id": "' + b"a" * 900_000 + b'"}', "found more than 262144 bytes beside"),
        (b'{"inputs": [], "x": ' + b"[" * 900_000, "nested too deeply"),
        (b'{"parameters": {' + b'"a":1,' * 100_000 + b'"b": 1}}', "parameters.a: found twice"),
        (b'{"a": "' + b"\\" * 900_000, "found more than 262144 bytes beside"),
    ],
)
def test_memory_is_a_multiple_of_the_body(sent: bytes, refused: str) -> None:
    """Whatever is in a body, taken or refused: with it no more than three times is in memory."""
    codec = codec_of(("x", "FP32", (-1, 2)))
    codec.decode(body(b"[1,2]", rows=1))
    tracemalloc.start()
    try:
        codec.decode(sent)
        message = ""
    except (InvalidRequest, BodyTooLarge) as error:
        message = str(error)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert refused in message
    assert bool(refused) == bool(message)
    assert peak < 2 * len(sent) + (2 << 20)  # a piece takes its own, however long the body is


def test_strings_are_claimed_as_they_are_read() -> None:
    """Tiny strings cost far more than their text: they are asked for, and refused in time."""
    codec = codec_of(("x", "BYTES", (-1, 2)))
    claimed: list[int] = []

    def claim(size: int) -> None:
        claimed.append(size)
        if sum(claimed) > 10 << 20:
            raise BodyTooLarge("too much")

    with pytest.raises(BodyTooLarge):
        codec.decode(body(b"[" + b'"",' * (COUNT - 1) + b'""]', "BYTES"), None, claim)
    assert 50 * COUNT < sum(claimed)
