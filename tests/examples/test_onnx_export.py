"""Chains of steps become checked ONNX models."""

import numpy as np
import onnx
import pytest

from examples import golden
from examples.onnx_export import Port, Step, chain, dense, serialize

SOURCE, RESULT = Port("x", (2,)), Port("y", (1,))
WEIGHTS = np.array([[2.0], [-1.0]], dtype=np.float32)
BIAS = np.array([0.5], dtype=np.float32)


def small() -> onnx.ModelProto:
    """relu(2a - b + 0.5)."""
    steps = [dense(1, WEIGHTS, BIAS), Step("Relu")]
    return chain(steps, source=SOURCE, result=RESULT, summary="A small chain")


def test_chain_computes_its_steps_in_order() -> None:
    """The model's answer for a batch is that of the formula."""
    inputs = np.array([[1, 0], [0, 3], [2, 2]], dtype=np.float32)
    expected = [[2.5], [0.0], [2.5]]

    answer = golden.run(serialize(small()), inputs)

    assert expected == answer.tolist()


def test_chain_declares_versions_that_old_runtimes_read() -> None:
    """The opset and IR version are the stated ones, not the newest that the library knows."""
    model = small()
    expected = {"": 17}

    assert expected == {opset.domain: opset.version for opset in model.opset_import}
    assert model.ir_version == 8


def test_chain_refuses_layers_that_do_not_fit() -> None:
    """Shapes are inferred through the graph: a layer for another width is an error at export."""
    steps = [dense(1, WEIGHTS, BIAS), dense(2, WEIGHTS, BIAS)]

    with pytest.raises(onnx.shape_inference.InferenceError, match="between 2 and 1"):
        chain(steps, source=SOURCE, result=RESULT, summary="Does not fit")


def test_serialize_leaves_out_who_made_the_model() -> None:
    """Two tools that produce the same graph produce the same bytes."""
    other = small()
    other.producer_name, other.producer_version = "another tool", "2.0"
    other.metadata_props.add(key="made", value="today")

    assert serialize(small()) == serialize(other)
    assert other.producer_name == "another tool"
