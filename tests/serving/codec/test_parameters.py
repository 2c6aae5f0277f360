"""What a client may ask for beside tensors: understood, or refused by its name."""

from typing import Any

import pytest

from tests.serving.codecs import codec_of, problem, request

CODEC = codec_of(("x", "FP32", (-1, 2)))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"classification": 3}, "classification: found '3', not supported"),
        ({"sequence_id": 7}, "sequence_id: found '7', not supported"),
        ({"sequence_id": "a"}, "sequence_id: found 'a', not supported"),
        ({"sequence_start": True}, "sequence_start: found 'True', not supported"),
        ({"sequence_end": True}, "sequence_end: found 'True', not supported"),
        ({"shared_memory_region": "r"}, "shared_memory_region: found 'r', not supported"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(asked: dict[str, Any], message: str) -> None:
    """Wherever it stands, a parameter that would change the answer is not passed over."""
    wanted = {"name": "out_x", "parameters": asked}

    assert problem(CODEC, request({}, parameters=asked)).startswith(f"parameters.{message}")
    assert problem(CODEC, request({"parameters": asked})).startswith(
        f"inputs[0].parameters.{message}"
    )
    assert problem(CODEC, request({}, outputs=[wanted])).startswith(
        f"outputs[0].parameters.{message}"
    )


@pytest.mark.parametrize("value", ["true", 1, 0, 0.5])
def test_flags_are_true_or_false(value: object) -> None:
    """What only looks like yes or no is refused."""
    wanted = {"name": "out_x", "parameters": {"binary_data": value}}

    assert problem(CODEC, request({}, parameters={"binary_data_output": value})) == (
        f"parameters.binary_data_output: found '{value}', expected true or false"
    )
    assert problem(CODEC, request({}, outputs=[wanted])) == (
        f"outputs[0].parameters.binary_data: found '{value}', expected true or false"
    )


@pytest.mark.parametrize(
    "asked", [{}, {"sequence_id": 0, "sequence_start": False}, {"priority": 3, "custom": "a:b"}]
)
def test_hints_and_empty_wishes_are_passed_over(asked: dict[str, Any]) -> None:
    """What changes no answer does no harm."""
    call = CODEC.decode(request({"parameters": asked}, parameters=asked))

    assert 1 == call.rows


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"inputs": [], "inputs": []}', "inputs"),
        (b'{"id": "a", "inputs": [], "id": "b"}', "id"),
        (request({}).replace(b'"shape": [1, 2]', b'"shape": [1, 2], "shape": [2, 1]'), "shape"),
        (request({}).replace(b'"data":', b'"d\\u0061ta": [9, 9], "data":'), "data"),
        (request({}, parameters={"a": 1}).replace(b'"a": 1', b'"a": 1, "a": 2'), "parameters.a"),
        (request({}, outputs=[{"name": "out_x"}]).replace(b'"outputs"', b'"o": 1, "o"'), "o"),
    ],
)
def test_a_key_that_is_there_twice_is_refused(body: bytes, place: str) -> None:
    """Readers of JSON differ in which of two they take, so neither is."""
    found = problem(CODEC, body)

    assert found.split(": ")[0].endswith(place)
    assert "found twice" in found
