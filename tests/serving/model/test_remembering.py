"""Graphs that keep something from one run for the next."""

import pytest

from modelserver.errors import ModelUnsupported
from modelserver.model import remembering
from modelserver.model.graph import reader
from tests.onnx_models import Proto, called, function, graph, model, node, tensor, value

NORM = node("BatchNormalization", "x o o o o", "y m v", training_mode=1, name="norm")
OLD = node("BatchNormalization", "x o o o o", "y m v sm sv", name="norm")
STILL = node("BatchNormalization", "x o o o o", "y", name="norm")
INNER = node("BatchNormalization", "x o o o o", "t m v", training_mode=1, name="norm")
IN_FUNCTION = node("BatchNormalization", "a a a a a", "b m v", training_mode=1, name="norm")
ONES = [tensor("o", [4])]


def _branching() -> Proto:
    branch = graph([INNER], [value("t", shape=None)])
    return model(node("If", "c", "y", then_branch=branch, else_branch=branch), tensors=ONES)


@pytest.mark.parametrize(
    "made",
    [
        model(NORM, tensors=ONES),
        model(OLD, tensors=ONES, opsets={"": 9}),
        _branching(),
        called(function("F", [IN_FUNCTION])),
    ],
    ids=["training", "before opset 14", "in a branch", "in a function"],
)
def test_a_normalization_in_training_is_refused_wherever_it_is(made: Proto) -> None:
    """Its statistics would go from one request into the next."""
    with pytest.raises(
        ModelUnsupported, match=r"node 'norm' .* export the model in inference mode"
    ):
        remembering.refuse(reader.read_bytes(made.SerializeToString()))


def test_a_normalization_in_inference_is_served() -> None:
    """Nearly every convolutional net has one."""
    remembering.refuse(reader.read_bytes(model(STILL, tensors=ONES).SerializeToString()))
