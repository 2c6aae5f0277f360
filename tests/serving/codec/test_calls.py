"""Requests and answers of one model, without a server."""

import json
import math

import msgspec
import numpy as np
import pytest
from msgspec import UNSET

from modelserver.codec.calls import Call, Codec
from modelserver.model.contract import Contract, SharedSize
from modelserver.tensor.bfloat16 import from_bits, to_bits
from modelserver.tensor.datatypes import DATATYPES
from modelserver.tensor.spec import TensorSpec
from tests.serving.codecs import ROUND_TRIPS, codec_of, problem, request


@pytest.mark.parametrize("datatype", DATATYPES)
@pytest.mark.parametrize("nested", [False, True])
def test_each_datatype_comes_back_as_it_went(datatype: str, nested: bool) -> None:  # noqa: FBT001
    """Extreme elements of every datatype survive decoding and encoding, flat and nested."""
    values = ROUND_TRIPS[datatype]
    codec = codec_of(("x", datatype, (-1, 2)))
    call = codec.decode(
        request({"datatype": datatype, "data": [values] if nested else values}, id="one")
    )

    answer = json.loads(codec.encode(call, [call.feeds["x"]]).body)

    assert answer == {
        "model_name": "sample",
        "model_version": "r1",
        "id": "one",
        "outputs": [{"name": "out_x", "datatype": datatype, "shape": [1, 2], "data": values}],
    }


def test_scalar() -> None:
    """A tensor of shape [] has one element, given as such or in an array."""
    codec = codec_of(("x", "INT32", ()))
    for data in (5, [5]):
        call = codec.decode(request({"shape": [], "datatype": "INT32", "data": data}))

        assert (call.feeds["x"].shape, call.feeds["x"].item(), call.rows) == ((), 5, 1)


def test_empty_tensor() -> None:
    """No rows are a batch as well, where the model takes it."""
    body = request({"shape": [0, 2], "data": []})
    call = codec_of(("x", "FP32", (-1, 2))).decode(body)

    assert (call.feeds["x"].shape, call.rows) == ((0, 2), 0)
    assert problem(codec_of(("x", "FP32", (-1, 2)), takes_no_rows=False), body) == (
        "inputs[0].shape[0]: found 0, this model needs at least 1"
    )


def test_outputs_are_chosen_and_ordered_by_the_client() -> None:
    """Only the named outputs come, in the order of the request."""
    codec = codec_of(("a", "FP32", (-1, 1)), ("b", "INT64", (-1, 1)))
    body = request(
        {"name": "b", "datatype": "INT64", "shape": [1, 1], "data": [3]},
        {"name": "a", "shape": [1, 1], "data": [0.5]},
        outputs=[{"name": "out_b"}, {"name": "out_a"}],
    )
    call = codec.decode(body)

    assert call.outputs == ("out_b", "out_a")


def test_key_separates_what_may_not_run_together() -> None:
    """Calls differ in their key where sizes beyond the batch or the outputs differ, else not."""
    codec = codec_of(("x", "FP32", (-1, -1)))
    narrow, long = request({}), request({"shape": [2, 2], "data": [1, 2, 3, 4]})
    wide = request({"shape": [1, 3], "data": [1, 2, 3]})

    assert codec.decode(narrow).key == codec.decode(long).key
    assert codec.decode(narrow).key != codec.decode(wide).key


def test_nan_and_infinity_become_null() -> None:
    """An answer is JSON whatever the model gives; that it held NaN or infinity is told."""
    codec = codec_of(("x", "FP32", (-1, 2)))
    call = codec.decode(request({}))
    odd = np.array([[math.nan, math.inf]], np.float32)

    answer = codec.encode(call, [odd])
    plain = codec.encode(call, [call.feeds["x"]])

    assert json.loads(answer.body)["outputs"][0]["data"] == [None, None]
    assert (answer.nonfinite, plain.nonfinite) == (True, False)


def test_the_word_null_in_strings_is_not_nan() -> None:
    """Only numbers are looked at."""
    codec = codec_of(("x", "BYTES", (-1, 2)))
    call = codec.decode(request({"datatype": "BYTES", "data": ["null", "nan"]}))

    assert codec.encode(call, [call.feeds["x"]]).nonfinite is False


def test_bfloat16_rounds_to_nearest_even() -> None:
    """BF16 keeps eight significant bits and rounds as the hardware does."""
    values = np.array([1.0, 1.00390625, 1.01171875, 3.3e38, -0.0, np.nan], np.float32)
    back = from_bits(to_bits(values))

    assert back[:3].tolist() == [1.0, 1.0, 1.015625]
    assert abs(float(back[3]) / 3.3e38 - 1) < 2**-8
    assert math.copysign(1, float(back[4])) == -1
    assert math.isnan(back[5])


def test_flat_and_general_decoding_agree() -> None:
    """The quick way for flat data gives the same arrays as the general one."""
    values = np.linspace(-1, 1, 50).tolist()
    quick = codec_of(("x", "FP32", (-1, 50)))
    general = codec_of(("x", "FP32", (-1, 50)), ("y", "INT64", (-1, 1)))
    one = {"shape": [1, 50], "data": values}
    other = {"name": "y", "shape": [1, 1], "datatype": "INT64", "data": [1]}
    first = quick.decode(request(one)).feeds["x"]
    second = general.decode(request(one, other)).feeds["x"]

    assert first.dtype == second.dtype == np.float32
    assert np.array_equal(first, np.array([values], np.float32))
    assert np.array_equal(first, second)


def test_call_is_made_of_plain_parts() -> None:
    """A call without inputs has one row, and no id where the client gave none."""
    codec = Codec(
        model="sample",
        release="r1",
        contract=Contract((), (TensorSpec("y", DATATYPES["FP32"], (1,)),)),
    )
    call = codec.decode(b'{"inputs": []}')

    assert msgspec.structs.asdict(call) == msgspec.structs.asdict(
        Call(UNSET, {}, ("y",), 1, ("y",))
    )


def _pair(rows: int, others: int) -> bytes:
    first = {"name": "a", "shape": [rows, 1], "data": [1.0] * rows}
    return request(first, {"name": "b", "shape": [others, 1], "data": [2.0] * others})


def test_calls_whose_inputs_have_other_numbers_of_rows_join_no_batch() -> None:
    """Which rows of a batch would be whose could not be told."""
    codec = codec_of(("a", "FP32", (-1, 1)), ("b", "FP32", (-1, 1)))

    keys = [codec.decode(_pair(*rows)).key for rows in [(1, 1), (3, 3), (1, 2), (2, 1), (1, 2)]]

    assert keys[0] == keys[1]
    assert 4 == len(set(keys))


def test_rows_are_not_counted_again_where_the_graph_has_one_name_for_them() -> None:
    """A request whose inputs differ is refused there already."""
    shared = SharedSize("N", (("a", 0), ("b", 0)))
    codec = codec_of(("a", "FP32", (-1, 1)), ("b", "FP32", (-1, 1)), shared=[shared])

    assert "expected one size for all (N)" in problem(codec, _pair(1, 2))
