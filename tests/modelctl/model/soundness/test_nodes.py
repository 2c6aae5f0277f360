"""Faults of nodes: their names and order, the operators that they call, and versions."""

from collections.abc import Callable, Mapping

import pytest

from onnx_models import (
    ADD,
    RELU,
    Proto,
    altered,
    changed,
    content_of,
    model,
    node,
    tensor,
    value,
)
from onnx_oracle import ours, theirs


def _attribute(**fields: object) -> Proto:
    """A model with a Softmax whose attribute is changed."""
    softmax = node("Softmax", "x", "y", axis=1)
    return model(changed(softmax, attribute=[changed(softmax.attribute[0], **fields)]))


FAULTS: Mapping[str, tuple[Callable[[], Proto | bytes], str]] = {
    # names and order
    "input that nothing gives": (
        lambda: model(node("Add", "x q", "y")),
        "input 'q', which nothing",
    ),
    "circle": (
        lambda: model(node("Add", "x b", "a"), node("Relu", "a", "b"), node("Abs", "a", "y")),
        "in a circle",
    ),
    "own output": (lambda: model(node("Add", "x y", "y")), "in a circle"),
    "circle apart": (
        lambda: model(RELU, node("Relu", "b", "a"), node("Relu", "a", "b")),
        "in a circle",
    ),
    "output that nothing gives": (
        lambda: model(RELU, outputs=[value("y"), value("z")]),
        "the output 'z', which no node",
    ),
    "two inputs": (lambda: model(RELU, inputs=[value("x"), value("x")]), "two inputs"),
    "two values": (lambda: model(RELU, node("Abs", "x", "y")), "two values with the name 'y'"),
    "value is input": (lambda: model(node("Abs", "x", "x"), RELU), "two values with the name 'x'"),
    "value is initializer": (
        lambda: model(node("Abs", "x", "w"), ADD, tensors=[tensor("w", [4])]),
        "two values with the name 'w'",
    ),
    "two nodes": (
        lambda: model(node("Abs", "x", "a", name="n"), node("Relu", "a", "y", name="n")),
        "two nodes with the name 'n'",
    ),
    "two files": (lambda: model(RELU).SerializeToString() * 2, "two inputs with the name 'x'"),
    # operators
    "unknown operator": (
        lambda: model(node("Foo", "x", "y")),
        "the operator Foo of ai.onnx 17 in the node that gives 'y', which ONNX Runtime 1.31 does",
    ),
    "unknown Microsoft operator": (
        lambda: model(node("Foo", "x", "y", domain="com.microsoft")),
        "Foo of com.microsoft 1",
    ),
    "custom operator": (
        lambda: model(node("Foo", "x", "y", domain="mine"), opsets={"": 17, "mine": 3}),
        "Foo of mine 3",
    ),
    "later operator": (lambda: model(node("Gelu", "x", "y")), "Gelu of ai.onnx 17"),
    "removed operator": (
        lambda: model(node("Upsample", "x w", "y"), tensors=[tensor("w", [2])]),
        "which version 10 removed",
    ),
    "too few inputs": (lambda: model(node("Add", "x", "y")), "with 1 inputs, expected 2"),
    "too many inputs": (lambda: model(node("Relu", "x x", "y")), "with 2 inputs, expected 1"),
    "input left out": (lambda: model(node("Add", "x -", "y")), "no 'B' among its inputs"),
    "too many outputs": (lambda: model(node("Relu", "x", "y z")), "with 2 outputs, expected 1"),
    "no outputs": (lambda: model(RELU, node("Relu", "x", "")), "with 0 outputs, expected 1"),
    "Microsoft operator called wrongly": (
        lambda: model(node("Gelu", "x x", "y", domain="com.microsoft")),
        "with 2 inputs, expected 1",
    ),
    # attributes
    "attribute missing": (lambda: model(node("Cast", "x", "y")), "without the attribute 'to'"),
    "attribute unknown": (lambda: model(node("Relu", "x", "y", foo=1)), "the attribute 'foo'"),
    "attribute of another kind": (
        lambda: model(node("Softmax", "x", "y", axis=1.0)),
        "'axis' of the kind FLOAT, expected INT",
    ),
    "attribute without a kind": (lambda: _attribute(type=None), "of the kind none"),
    "attribute with two values": (lambda: _attribute(f=1.0), "a value in f"),
    "attribute without a name": (lambda: _attribute(name=""), "an attribute without a name"),
    "attribute refused by the kernel": (
        lambda: model(node("Mod", "x x", "y", fmod=7)),
        "with fmod 7, expected 0, 1",
    ),
    # versions
    "operator set missing": (
        lambda: altered(lambda m: m.ClearField("opset_import")),
        "no operator",
    ),
    "operator set 0": (lambda: model(RELU, opsets={"": 0}), "Relu of ai.onnx 0"),
    "operator set of the future": (lambda: model(RELU, opsets={"": 27}), "needs the operator set"),
    "operator set of Microsoft": (
        lambda: model(RELU, opsets={"": 17, "com.microsoft": 2}),
        "needs the operator set com.microsoft 2, expected at most 1",
    ),
    "absurd operator set": (lambda: model(RELU, opsets={"": 10**10}), "needs the operator set"),
    "IR version of the future": (lambda: model(RELU, ir_version=14), "the IR version 14"),
    "absurd IR version": (lambda: model(RELU, ir_version=10**10), "the IR version 10000000000"),
    "no IR version": (lambda: altered(lambda m: m.ClearField("ir_version")), "no IR version"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_the_runtime_refuses_is_told(name: str) -> None:
    """ONNX Runtime does not load the model, and modelctl says why."""
    make, problem = FAULTS[name]
    content = content_of(make())

    assert theirs(content)
    assert problem in ours(content)
