"""The binary tensor data extension, without a server."""

import json
from typing import Any

import numpy as np
import pytest

from modelserver.codec.calls import Codec
from modelserver.errors import InvalidBinary, InvalidRequest
from modelserver.model.contract import Contract
from modelserver.tensor.bfloat16 import to_bits
from modelserver.tensor.datatypes import DATATYPES, Array
from modelserver.tensor.spec import TensorSpec


def strings(*values: str) -> Array:
    """A tensor of strings."""
    return np.array(values, dtype=object).reshape(1, -1)


SAMPLES: dict[str, Array] = {
    name: np.array([[0, 1]], each.dtype)
    for name, each in DATATYPES.items()
    if name not in {"BYTES", "BF16"}
} | {"BYTES": strings("é", ""), "BF16": to_bits(np.array([[0.5, -2]], np.float32))}


def codec_of(datatype: str) -> Codec:
    """A codec from x to y of a datatype, in rows of two."""
    spec = TensorSpec("x", DATATYPES[datatype], (-1, 2))
    return Codec(
        model="sample",
        release="r1",
        contract=Contract((spec,), (TensorSpec("y", spec.datatype, spec.shape),)),
    )


def body(content: bytes, **changes: Any) -> tuple[bytes, int]:  # noqa: ANN401
    """A request whose only tensor is binary, and the size of its JSON."""
    tensor = {"name": "x", "shape": [1, 2], "datatype": "FP32"}
    tensor["parameters"] = {"binary_data_size": len(content)}
    head = json.dumps({"inputs": [tensor | changes], "parameters": {"binary_data_output": True}})
    return head.encode() + content, len(head)


def raw(datatype: str, array: Array) -> bytes:
    """The bytes of an array as the extension lays them out."""
    if datatype == "BYTES":
        texts = [value.encode() for value in array.ravel()]
        return b"".join(len(text).to_bytes(4, "little") + text for text in texts)
    return array.tobytes()


@pytest.mark.parametrize("datatype", DATATYPES)
def test_each_datatype_comes_back_as_it_went(datatype: str) -> None:
    """Binary in, the same bytes out, with their size in the JSON before them."""
    codec = codec_of(datatype)
    content = raw(datatype, SAMPLES[datatype])
    call = codec.decode(*body(content, datatype=datatype))

    answer = codec.encode(call, [call.feeds["x"]])

    head = json.loads(answer.body[: answer.json_bytes])
    assert np.array_equal(call.feeds["x"], SAMPLES[datatype])
    assert answer.body[answer.json_bytes :] == content
    assert head["outputs"] == [
        {
            "name": "y",
            "datatype": datatype,
            "shape": [1, 2],
            "parameters": {"binary_data_size": len(content)},
        }
    ]


def test_aligned_tensor_is_not_copied() -> None:
    """The array lies over the request's own bytes."""
    content = np.array([1, 2], np.uint8).tobytes()
    request, json_bytes = body(content, datatype="UINT8")

    array = codec_of("UINT8").decode(request, json_bytes).feeds["x"]

    assert np.shares_memory(array, np.frombuffer(request, np.uint8))


def test_json_and_binary_outputs_mix() -> None:
    """Each output is sent as its own parameters ask."""
    head = json.dumps(
        {
            "inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}],
            "outputs": [{"name": "y", "parameters": {"binary_data": True}}],
        }
    ).encode()
    codec = codec_of("FP32")
    call = codec.decode(head)

    answer = codec.encode(call, [call.feeds["x"]])

    assert answer.body[answer.json_bytes :] == np.array([1, 2], np.float32).tobytes()


@pytest.mark.parametrize(
    ("request_body", "message"),
    [
        (body(b"1234"), "inputs[0].parameters.binary_data_size: found 4 bytes, expected 8 by"),
        ((body(b"12345678")[0], 9999), "header Inference-Header-Content-Length: found 9999, exp"),
        ((body(b"12345678")[0], 5), "body: the JSON text ends early"),
        (
            (body(b"12345678")[0] + b"x", body(b"12345678")[1]),
            "body: found 1 bytes after the last binary tensor",
        ),
        (
            body(b"12345678", parameters={"binary_data_size": 80}),
            "inputs[0].parameters.binary_data_size: found 80, expected a whole number up to 8",
        ),
        (
            body(b"12345678", parameters={"binary_data_size": -1}),
            "inputs[0].parameters.binary_data_size: found -1, expected",
        ),
        (
            body(b"12345678", parameters={"binary_data_size": True}),
            "inputs[0].parameters.binary_data_size: found True, expected",
        ),
    ],
)
def test_sizes_that_lie_are_refused(request_body: tuple[bytes, int], message: str) -> None:
    """The sizes in JSON, header and body must agree."""
    with pytest.raises(InvalidRequest) as caught:
        codec_of("FP32").decode(*request_body)

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("datatype", "content", "message"),
    [
        ("BOOL", b"\x00\x02", "found a byte other than 0 and 1"),
        ("BYTES", b"\x01\x00\x00", "too few for 2 elements"),
        ("BYTES", b"\x09\x00\x00\x00a\x00\x00\x00\x00", "reaches beyond the end"),
        ("BYTES", b"\x01\x00\x00\x00\xff\x00\x00\x00\x00", "is not UTF-8"),
        ("BYTES", b"\x00\x00\x00\x00\x00\x00\x00\x00tail", "4 bytes after the last element"),
        ("BYTES", b"\x04\x00\x00\x00abcd\xff\xff", "reaches beyond the end"),
    ],
)
def test_bad_elements_are_refused(datatype: str, content: bytes, message: str) -> None:
    """Bytes that are no element of the datatype are named."""
    with pytest.raises(InvalidBinary, match=message):
        codec_of(datatype).decode(*body(content, datatype=datatype))
