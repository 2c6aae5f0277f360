"""Recorded answers, replayed on a real session."""

import json
from typing import Any

import pytest

from modelserver import errors
from modelserver.start import golden
from tests.serving import onnx_models
from tests.serving.loading import XY, Load


def golden_file(**changes: Any) -> bytes:  # noqa: ANN401
    """A golden file of one case for x to y."""
    tensor = {"shape": [1, 2], "datatype": "FP32", "data": [1, 2]}
    case = {"inputs": [tensor | {"name": "x"}], "outputs": [tensor | {"name": "y"}]}
    return json.dumps({"tolerance": {}, "cases": [case | changes]}).encode()


def test_golden_answers_are_recognised(load: Load) -> None:
    """A model that answers as recorded passes."""
    golden.replay(load(onnx_models.identity("FP32")), golden.parse(golden_file(), XY))


def test_other_answers_are_named(load: Load) -> None:
    """The first element that differs is named with both values and the tolerance."""
    wrong = [{"name": "y", "shape": [1, 2], "datatype": "FP32", "data": [1, 2.1]}]
    recorded = golden.parse(golden_file(outputs=wrong), XY)

    with pytest.raises(errors.GoldenMismatch) as caught:
        golden.replay(load(onnx_models.identity("FP32")), recorded)

    assert str(caught.value).startswith("cases[0].outputs.y.data[1]: found 2.0, expected 2.09")
    assert "1 of 2 elements differ" in str(caught.value)


def test_tolerance_counts(load: Load) -> None:
    """A difference within absolute + relative x |expected| passes."""
    near = [{"name": "y", "shape": [1, 2], "datatype": "FP32", "data": [1, 2.1]}]
    text = golden_file(outputs=near).replace(b'"tolerance": {}', b'"tolerance": {"relative": 0.1}')

    golden.replay(load(onnx_models.identity("FP32")), golden.parse(text, XY))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "golden file: "),
        (b"[" * 100_000, "golden file: "),
        (b"{}", "cases: is missing"),
        (b'{"cases": []}', "found no cases"),
        (b'{"cases": [], "tolerance": {"percent": 1}}', "tolerance: object contains unknown"),
        (golden_file(inputs=[]), "cases[0].inputs: x is missing"),
        (golden_file(outputs=[]), "cases[0].outputs: y is missing"),
        (golden_file(inputs=[{"name": "z", "shape": [], "datatype": "FP32"}]), "found 'z', exp"),
        (
            golden_file(inputs=[{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1]}]),
            "cases[0].inputs[0].data: found 1 elements, expected 2",
        ),
    ],
)
def test_bad_golden_file(text: bytes, problem: str) -> None:
    """A golden file that is not of its format is refused with the place."""
    with pytest.raises(errors.GoldenMalformed) as caught:
        golden.parse(text, XY)

    assert problem in str(caught.value)
