"""What a call makes the process hold, counted before it does."""

import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelserver.codec.calls import Call, Codec
from modelserver.errors import RequestTooLarge
from modelserver.inference import costs
from modelserver.inference.costs import Rows
from modelserver.inference.limits import Limits
from modelserver.model.contract import Contract
from modelserver.tensor.datatypes import DATATYPES, Array
from modelserver.tensor.spec import TensorSpec
from tests.serving.codecs import ROUND_TRIPS

LIMITS = Limits(1, 1000, 1000, rows=10, tensor_bytes=400, output_bytes=500)
ROWS = Rows(run_bytes=30, answer_bytes=25)


def call_of(rows: int, width: int = 10, *, binary: frozenset[str] = frozenset()) -> Call:
    """A call with one input of FP32."""
    feeds = {"x": np.zeros((rows, width), np.float32)}
    return Call(id="", feeds=feeds, outputs=("y",), rows=rows, key=None, binary=binary)


def test_inputs_and_answer_are_held_while_a_call_runs() -> None:
    """Ten rows of 40 bytes give ten of 25; inputs that lie in the body are counted there."""
    assert 10 * (40 + 25) == costs.running(call_of(10), LIMITS, ROWS, is_view=False)
    assert 10 * 25 == costs.running(call_of(10), LIMITS, ROWS, is_view=True)


@pytest.mark.parametrize(
    ("call", "rows", "message"),
    [
        (call_of(11, 1), ROWS, "inputs: found 11 rows, expected at most 10 in one request (a run"),
        (call_of(1, 101), ROWS, "inputs: found tensors of 404 bytes, expected at most 400 in one"),
        (call_of(10, 1), Rows(1, 51), "outputs: the answer may take 510 bytes, expected at most 5"),
    ],
    ids=["rows", "tensors", "answer"],
)
def test_what_never_fits_is_refused(call: Call, rows: Rows, message: str) -> None:
    """The limit, what was found, and what to do are named."""
    with pytest.raises(RequestTooLarge) as caught:
        costs.running(call, LIMITS, rows, is_view=False)

    assert str(caught.value).startswith(message)
    assert "send less in one request, or raise resources.memory" in str(caught.value)


def test_answer_is_measured_before_it_is_written() -> None:
    """What the outputs turn out to be counts: 25 characters a number in JSON, else its bytes."""
    arrays = [np.zeros((1, 20), np.float32)]

    assert 80 + 500 == costs.answering(call_of(1), arrays, LIMITS)
    assert 80 + 80 == costs.answering(call_of(1, binary=frozenset("y")), arrays, LIMITS)
    with pytest.raises(RequestTooLarge, match="the answer may take 525 bytes, expected at most"):
        costs.answering(call_of(1), [np.zeros((1, 21), np.float32)], LIMITS)


@st.composite
def answers(draw: st.DrawFn) -> tuple[TensorSpec, Array]:
    """An output of any datatype, with its extreme elements among others."""
    datatype = DATATYPES[draw(st.sampled_from(sorted(DATATYPES)))]
    if datatype.name == "BYTES":
        elements = draw(st.lists(st.text(), min_size=1))
        array = np.empty(len(elements), object)
        array[:] = elements
        return TensorSpec("y", datatype, (-1,)), array
    bits = draw(st.binary(min_size=8, max_size=64))
    size = datatype.dtype.itemsize
    array = np.frombuffer(bits[: len(bits) // size * size], datatype.dtype)
    if datatype.name == "BOOL":
        array = np.frombuffer(bits, np.uint8) > 127
    return TensorSpec("y", datatype, (-1,)), array


@example((TensorSpec("y", DATATYPES["BYTES"], (-1,)), np.array(["", "", ""], object)), False)  # noqa: FBT003
@given(answers(), st.booleans())
def test_no_answer_is_longer_than_expected(given: tuple[TensorSpec, Array], binary: bool) -> None:  # noqa: FBT001
    """Whatever the elements are, the text of them is within what was counted for it."""
    spec, array = given
    codec = Codec(model="m", release="r", contract=Contract((), (spec,)))
    names = frozenset("y") if binary else frozenset[str]()
    call = Call(id="", feeds={}, outputs=("y",), rows=1, key=None, binary=names)

    whole, frame = (len(codec.encode(call, [each]).body) for each in (array, array[:0]))

    digits = len(str(array.nbytes)) + len(str(array.size))  # of sizes, which the frame has as 0
    assert whole - frame <= costs.longest(call, [array]) + digits


@pytest.mark.parametrize("name", sorted(ROUND_TRIPS))
def test_every_datatype_has_a_length(name: str) -> None:
    """The extreme elements of each datatype are within what is counted for them."""
    datatype = DATATYPES[name]
    text = len(json.dumps(ROUND_TRIPS[name], ensure_ascii=False).encode())
    array = np.array(ROUND_TRIPS[name], datatype.dtype if name != "BF16" else np.float32)
    array = array.astype(datatype.dtype)

    assert text - len("[]") <= costs.longest(call_of(1), [array])
