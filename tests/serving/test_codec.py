"""Requests and answers of one model, without a server."""

import json
import math
import random
from typing import Any

import msgspec
import numpy as np
import pytest
from msgspec import UNSET

from modelserver.bfloat16 import from_bits, to_bits
from modelserver.codec import Call, Codec
from modelserver.contract import Contract, Graph, GraphTensor, TensorSpec, shared_sizes
from modelserver.datatypes import DATATYPES
from modelserver.errors import InvalidRequest

ROUND_TRIPS: dict[str, list[Any]] = {
    "BOOL": [True, False],
    "UINT8": [0, 255],
    "UINT16": [0, 65535],
    "UINT32": [0, 2**32 - 1],
    "UINT64": [0, 2**64 - 1],
    "INT8": [-128, 127],
    "INT16": [-(2**15), 2**15 - 1],
    "INT32": [-(2**31), 2**31 - 1],
    "INT64": [-(2**63), 2**63 - 1],
    "FP16": [0.5, -65504.0],
    "FP32": [0.5, -3.4028234663852886e38],
    "FP64": [0.1, 1.7976931348623157e308],
    "BF16": [1.5, -2.0],
    "BYTES": ["", "a\u0000é😀"],
}

OUT_OF_RANGE = [
    ("BOOL", "1"),
    ("BOOL", '"true"'),
    ("UINT8", "-1"),
    ("UINT8", "256"),
    ("UINT16", "65536"),
    ("UINT32", "4294967296"),
    ("UINT64", "-1"),
    ("UINT64", "18446744073709551616"),
    ("UINT64", "1" + "0" * 5000),
    ("INT8", "128"),
    ("INT16", "-32769"),
    ("INT32", "2147483648"),
    ("INT64", "9223372036854775808"),
    ("INT64", "1.0"),
    ("INT64", "1e2"),
    ("INT64", "true"),
    ("INT64", "null"),
    ("INT64", '"1"'),
    ("FP16", "65520"),
    ("FP32", "3.5e38"),
    ("FP32", "1e999"),
    ("FP32", "true"),
    ("FP32", "null"),
    ("FP32", '"1"'),
    ("FP32", "NaN"),
    ("FP32", "Infinity"),
    ("FP32", "-Infinity"),
    ("FP32", "[1]"),
    ("FP32", "{}"),
    ("FP64", "1e309"),
    ("BF16", "3.4e38"),
    ("BYTES", "1"),
    ("BYTES", "null"),
    ("BYTES", "true"),
]


def codec_of(*inputs: tuple[str, str, tuple[int, ...]], **options: Any) -> Codec:  # noqa: ANN401
    """A codec whose outputs are the inputs, each called out_<name>."""
    specs = [TensorSpec(name, DATATYPES[datatype], shape) for name, datatype, shape in inputs]
    outputs = [TensorSpec(f"out_{spec.name}", spec.datatype, spec.shape) for spec in specs]
    contract = Contract(tuple(specs), tuple(outputs))
    return Codec(model="sample", release="r1", contract=contract, **options)


def request(*inputs: dict[str, Any], **rest: Any) -> bytes:  # noqa: ANN401
    """A request body; a tensor's missing fields are those of x, FP32, shape [1, 2]."""
    defaults = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.5, 2]}
    return json.dumps({"inputs": [defaults | each for each in inputs], **rest}).encode()


def problem(codec: Codec, body: bytes) -> str:
    """The message with which a request is refused."""
    with pytest.raises(InvalidRequest) as caught:
        codec.decode(body)
    return str(caught.value)


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


@pytest.mark.parametrize(("datatype", "element"), OUT_OF_RANGE)
@pytest.mark.parametrize("nested", [False, True])
def test_bad_element_is_named(datatype: str, element: str, nested: bool) -> None:  # noqa: FBT001
    """An element of the wrong kind or size is refused with its own path."""
    good = json.dumps(ROUND_TRIPS[datatype][0])
    row = f"[{good}, {element}]"
    body = (
        f'{{"inputs": [{{"name": "x", "shape": [1, 2], "datatype": "{datatype}", '
        f'"data": {f"[{row}]" if nested else row}}}]}}'
    ).encode()

    message = problem(codec_of(("x", datatype, (-1, 2))), body)

    assert message.startswith(f"inputs[0].data{'[0]' if nested else ''}[1]: ")
    assert "expected" in message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "body: the JSON text ends early, after 0 bytes"),
        (b"[]", "body: found an array, expected an object"),
        (b"7", "body: found a whole number, expected an object"),
        (b"null", "body: found null, expected an object"),
        (b"{}", "inputs: is missing"),
        (b'{"inputs": null}', "inputs: found null, expected an array"),
        (b'{"inputs": []}', "inputs: x is missing"),
        (b'{"inputs": [3]}', "inputs[0]: found a whole number, expected an object"),
        (b'{"inputs": [{"shape": []}]}', "inputs[0].name: is missing"),
        (b'{"inputs": [] "id"', "inputs: not JSON at byte 14: expected ',' or '}'"),
        (b'{"inputs": [],}', "body: not JSON at byte 14: "),
        (b'{"inputs": []} x', "body: not JSON at byte 16: trailing characters"),
        (b'{"inputs": [{"name": "x\xff"}]}', "body: found bytes that are not UTF-8"),
        (b"\xef\xbb\xbf{}", "body: not JSON at byte 0: "),
        (request(id=7), "id: found a whole number, expected a string"),
        (request({"name": "y"}), "inputs[0].name: found 'y'; expected x"),
        (request({"name": 1}), "inputs[0].name: found a whole number, expected a string"),
        (request({}, {}), "inputs[1].name: found 'x'; was given before"),
        (request({"datatype": "FP64"}), "inputs[0].datatype: found 'FP64', expected FP32"),
        (request({"datatype": "Q" * 999}), "inputs[0].datatype: found 'QQQ"),
        (request({"shape": [2]}), "inputs[0].shape: found 1 dimensions, expected 2: [-1, 2]"),
        (request({"shape": [1, 3]}), "inputs[0].shape[1]: found 3, expected 2"),
        (request({"shape": [-1, 2]}), "inputs[0].shape[0]: expected int >= 0"),
        (request({"shape": [1.0, 2]}), "inputs[0].shape[0]: found a number with a fraction"),
        (request({"shape": [2**40, 2]}), "inputs[0].shape[0]: expected int <= 2147483647"),
        (request({"shape": [2**31 - 1, 2]}), "inputs[0].data: found 2 elements, expected 4294967"),
        (request({"shape": "1"}), "inputs[0].shape: found a string, expected an array"),
        (request({"shape": [0, 2]}), "inputs[0].data: found 2 elements, expected 0 by shape"),
        (request({"data": [1]}), "inputs[0].data: found 1 elements, expected 2 by shape [1, 2]"),
        (request({"data": [1, 2, 3]}), "inputs[0].data: found 3 elements, expected 2 by shape"),
        (request({"data": 1}), "inputs[0].data: found no array, expected a flat array or nested 2"),
        (request({"data": {}}), "inputs[0].data: found no array, expected a flat array"),
        (request({"data": [[[1, 2]]]}), "inputs[0].data: found an array nested 3 deep, expected"),
        (request({"data": [[1]]}), "inputs[0].data[0]: found 1 elements, expected 2 by shape[1]"),
        (request({"data": [[1, 2], [3, 4]]}), "inputs[0].data: found 2 elements, expected 1 by"),
        (request({"data": [[1, 2], 3]}), "inputs[0].data[1]: found a whole number, expected an"),
        (request({}, outputs=[{"name": "z"}]), "outputs[0].name: found 'z'; expected out_x"),
        (request({}, outputs=[{}]), "outputs[0].name: is missing"),
        (request({}, outputs="x"), "outputs: found a string, expected an array"),
        (
            request({}, outputs=[{"name": "out_x"}, {"name": "out_x"}]),
            "outputs[1].name: found 'out_x'; was given before",
        ),
        (request({}, parameters={"p": {}}), "parameters[...]: found an object, expected "),
        (request({"parameters": 1}), "inputs[0].parameters: found a whole number, expected an"),
        (
            request({"parameters": {"binary_data_size": 8}}),
            "inputs[0].parameters.binary_data_size: found beside data",
        ),
        (b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32"}]}', "inputs[0].data: is mis"),
        (b'{"x": ' + b"[" * 100_000, "x[0][0][0][0][0]...: nested too deeply"),
        (
            b'{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":'
            + b"[" * 100_000
            + b"]" * 100_000
            + b"}]}",
            "inputs[0].data[0][0][0]...: nested too deeply",
        ),
        (b'{"inputs": [{"data": [1, 2, +3]}]}', "inputs[0].data[2]: not JSON at byte 28: "),
        (b'{"inputs": [{"data": [01]}]}', "inputs[0].data[0]: not JSON at byte 23: "),
    ],
)
def test_bad_request_names_its_field(body: bytes, message: str) -> None:
    """Each mistake is refused with the path of the field, what was found and what was expected."""
    found = problem(codec_of(("x", "FP32", (-1, 2))), body)

    assert found[: len(message)] == message
    assert len(found) < 300


@pytest.mark.parametrize(
    ("text", "problem_found"),
    [(b'"\\ud800"', "half a surrogate pair"), (b'"\xff"', "not UTF-8")],
)
def test_string_that_is_no_text(text: bytes, problem_found: str) -> None:
    """Strings must be Unicode, escapes included."""
    body = b'{"inputs":[{"name":"x","shape":[1],"datatype":"BYTES","data":[%b]}]}' % text

    assert problem_found in problem(codec_of(("x", "BYTES", (-1,))), body)


@pytest.mark.parametrize("datatype", ["FP32", "UINT64", "BYTES", "BOOL"])
def test_noise_is_always_the_client_s_fault(datatype: str) -> None:
    """Whatever the bytes, a request is decoded or refused with a field; nothing else happens."""
    source = random.Random(datatype)  # noqa: S311 - reproducible noise
    codec = codec_of(("x", datatype, (-1, 2)))
    whole = request({"datatype": datatype, "data": ROUND_TRIPS[datatype]}, id="é", outputs=[])
    alphabet = b'[]{}",:-+.eE0123456789tfnulNaI\\\xff \x00'
    refused = 0
    for _ in range(3000):
        body = bytearray(whole)
        for _ in range(source.randrange(1, 6)):
            place = source.randrange(len(body))
            body[place : place + source.randrange(2)] = bytes([source.choice(alphabet)])
        try:
            codec.decode(bytes(body), source.choice([None, None, source.randrange(200)]))
        except InvalidRequest:
            refused += 1

    assert refused > 1000


def test_nested_rows_must_be_even() -> None:
    """In deeper nesting the uneven row itself is named."""
    codec = codec_of(("x", "FP32", (-1, 2, 2)))
    body = request({"shape": [2, 2, 2], "data": [[[1, 2], [3, 4]], [[5, 6], [7]]]})

    assert problem(codec, body) == (
        "inputs[0].data[1][1]: found 1 elements, expected 2 by shape[2]"
    )


def test_mistake_far_into_a_large_body_is_named_by_its_byte() -> None:
    """The search for a path is bounded."""
    body = request()[:-2] + b'{"data": [1' + b", 1" * 700_000 + b", NaN]}]}"

    message = problem(codec_of(("x", "FP32", (-1, 2))), body)

    assert message == "body: found NaN, which is not JSON; expected a finite number"


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


def test_empty_tensor_cannot_claim_a_huge_size() -> None:
    """Sizes that no data bounds are bounded by us: the output may grow with them."""
    codec = codec_of(("x", "FP32", (-1, -1)))

    assert problem(codec, request({"shape": [2**31 - 1, 0], "data": []})) == (
        "inputs[0].shape: found [2147483647, 0], expected at most 65536 beside a 0"
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


def test_missing_input_is_named() -> None:
    """A request that leaves an input out learns which."""
    codec = codec_of(("a", "FP32", (-1, 2)), ("b", "FP32", (-1, 2)))

    assert problem(codec, request({"name": "a"})) == "inputs: b is missing"


def test_sizes_that_the_graph_names_alike_must_agree() -> None:
    """Two inputs of one batch have as many rows as each other."""
    graph = Graph(
        (GraphTensor("a", "tensor(float)", ("N", 2)), GraphTensor("b", "tensor(float)", ("N", 2))),
        (),
    )
    codec = codec_of(("a", "FP32", (-1, 2)), ("b", "FP32", (-1, 2)), shared=shared_sizes(graph))
    body = request({"name": "a"}, {"name": "b", "shape": [2, 2], "data": [1, 2, 3, 4]})

    assert problem(codec, body) == (
        "inputs: found 1 in a.shape[0], 2 in b.shape[0]; expected one size for all (N)"
    )


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
