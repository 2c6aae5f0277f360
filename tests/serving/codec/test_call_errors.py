"""Requests that one model cannot take: each mistake is named by its place."""

import json
import random

import pytest

from modelserver.errors import InvalidRequest
from modelserver.model.contract import Graph, GraphTensor, shared_sizes
from tests.serving.codecs import ROUND_TRIPS, codec_of, problem, request

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
            b'{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":'
            + b"[" * 100_000
            + b"]" * 100_000
            + b"}]}",
            "inputs[0].data: nested too deeply",
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


def test_mistake_far_into_a_large_body_is_named() -> None:
    """However far it is into a body, a mistake has its place."""
    body = request({"shape": [350_001, 2], "data": [1]})[:-4] + b", 1" * 700_000 + b", NaN]}]}"

    message = problem(codec_of(("x", "FP32", (-1, 2))), body)

    assert message == (
        "inputs[0].data[700001]: found NaN, which is not JSON; expected a finite number"
    )


def test_empty_tensor_cannot_claim_a_huge_size() -> None:
    """Sizes that no data bounds are bounded by us: the output may grow with them."""
    codec = codec_of(("x", "FP32", (-1, -1)))

    assert problem(codec, request({"shape": [2**31 - 1, 0], "data": []})) == (
        "inputs[0].shape: found [2147483647, 0], expected at most 65536 beside a 0"
    )


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
