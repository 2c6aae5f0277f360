"""Golden files are judged as the server judges them, which reads them at start."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelctl.model.golden import golden_problem
from modelctl.model.tensors import Contract, TensorSpec
from modelserver.errors import GoldenMalformed
from modelserver.model import contract as server
from modelserver.start import golden
from modelserver.tensor.datatypes import DATATYPES
from modelserver.tensor.spec import TensorSpec as ServerSpec

CONTRACT = Contract(
    (TensorSpec("x", "FP32", (-1, 2)), TensorSpec("id", "INT64", (-1,))),
    (TensorSpec("y", "FP32", (-1, 1)), TensorSpec("label", "BYTES", (-1,))),
)
X: dict[str, Any] = {"name": "x", "datatype": "FP32", "shape": [1, 2], "data": [[1.5, 2]]}
ID: dict[str, Any] = {"name": "id", "datatype": "INT64", "shape": [1], "data": [7]}
Y: dict[str, Any] = {"name": "y", "datatype": "FP32", "shape": [1, 1], "data": [3.0]}


def one(inputs: object = (X, ID), outputs: object = (Y,), **more: object) -> bytes:
    """A golden file with one case."""
    return json.dumps({"cases": [{"inputs": inputs, "outputs": outputs}], **more}).encode()


def is_refused(content: bytes) -> bool:
    """Whether the server refuses a file."""
    sides = (
        tuple(ServerSpec(t.name, DATATYPES[t.datatype], t.shape) for t in side)
        for side in (CONTRACT.inputs, CONTRACT.outputs)
    )
    try:
        golden.parse(content, server.Contract(*sides))
    except GoldenMalformed:
        return True
    return False


FILES = {
    "whole": one(),
    "with a tolerance": one(tolerance={"absolute": 1e-3, "relative": 0}),
    "flat data": one((X | {"data": [1, 2]}, ID)),
    "no JSON": b"{",
    "a list": b"[]",
    "no cases": b'{"cases": []}',
    "a case that is a number": b'{"cases": [1]}',
    "an unknown tolerance": one(tolerance={"total": 1}),
    "an input too few": one((X,)),
    "an input of another name": one((X | {"name": "z"}, ID)),
    "another datatype": one((X | {"datatype": "FP64"}, ID)),
    "another rank": one((X | {"shape": [2]}, ID)),
    "another size": one((X | {"shape": [1, 3], "data": [1, 2, 3]}, ID)),
    "a value too few": one((X | {"data": [1]}, ID)),
    "a value too many": one((X | {"data": [1, 2, 3]}, ID)),
    "text for a number": one((X | {"data": ["1", "2"]}, ID)),
    "a fraction for a whole number": one((X, ID | {"data": [7.5]})),
    "not a number": one().replace(b"1.5", b"NaN"),
    "no outputs": one(outputs=()),
    "an output of another name": one(outputs=(Y | {"name": "z"},)),
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_the_server_agrees(content: bytes) -> None:
    """What is refused here is what keeps a server from being ready, and the reverse."""
    assert is_refused(content) == bool(golden_problem(content, CONTRACT))


@given(st.binary(max_size=40) | st.sampled_from([b"[" * 100_000, b'{"cases":' + b"[" * 50_000]))
def test_anything_is_judged(content: bytes) -> None:
    """Whatever the bytes are, there is an answer."""
    assert golden_problem(content, CONTRACT)
