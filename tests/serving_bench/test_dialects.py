"""Tensors travel unchanged in every dialect."""

import json

import numpy as np
import pytest

from serving.bench.dialects import HEADER_LENGTH, PLAIN, V2_BINARY, V2_JSON, Body

ROWS = np.array([[1.5, -2], [0.1, 4]], dtype=np.float32)


def test_plain_json_holds_nested_lists() -> None:
    """A hand-written application gets the rows and nothing else."""
    body = PLAIN.encode(ROWS)

    assert {"data": ROWS.tolist()} == json.loads(body.content)
    assert {"Content-Type": "application/json"} == body.headers


@pytest.mark.parametrize("answer", [{"outputs": ROWS.tolist()}, ROWS.tolist()])
def test_plain_answers_may_be_wrapped(answer: object) -> None:
    """A list, or an object with the list as `outputs`."""
    decoded = PLAIN.decode(Body(json.dumps(answer).encode(), {}))

    assert np.array_equal(ROWS, decoded)


def test_v2_json_names_datatype_and_shape() -> None:
    """One input as the protocol has it, its values row by row."""
    document = json.loads(V2_JSON.encode(ROWS).content)

    expected = {"name": "x", "datatype": "FP32", "shape": [2, 2], "data": ROWS.ravel().tolist()}
    assert [expected] == document["inputs"]


def test_v2_json_answers_take_their_shape() -> None:
    """The flat values of the answer become rows again."""
    output = {"name": "y", "datatype": "FP32", "shape": [2, 2], "data": ROWS.ravel().tolist()}

    decoded = V2_JSON.decode(Body(json.dumps({"outputs": [output]}).encode(), {}))

    assert np.array_equal(ROWS, decoded)


def test_v2_binary_puts_raw_values_behind_the_json() -> None:
    """The header says where the JSON ends; the rest is the tensor's bytes; binary is asked back."""
    body = V2_BINARY.encode(ROWS)
    end = int(body.headers[HEADER_LENGTH])
    document = json.loads(body.content[:end])

    assert ROWS.tobytes() == body.content[end:]
    assert {"binary_data_size": 16} == document["inputs"][0]["parameters"]
    assert document["parameters"]["binary_data_output"] is True


def test_v2_binary_answers_are_cut_at_the_header() -> None:
    """The header's name is found in any case."""
    output = {"shape": [2, 2], "parameters": {"binary_data_size": 16}}
    head = json.dumps({"outputs": [output]}).encode()

    decoded = V2_BINARY.decode(Body(head + ROWS.tobytes(), {HEADER_LENGTH.lower(): str(len(head))}))

    assert np.array_equal(ROWS, decoded)


def test_a_json_answer_to_a_binary_request_is_refused() -> None:
    """Otherwise a server without the extension would be measured as if it had it."""
    with pytest.raises(ValueError, match="not binary"):
        V2_BINARY.decode(Body(b"{}", {}))
