"""Faults of values: tensors, constants, types and shapes."""

from collections.abc import Callable, Mapping

import pytest
from onnx import TensorProto

from onnx_models import (
    ADD,
    BOOL,
    INT32,
    INT64,
    RELU,
    Proto,
    altered,
    changed,
    content_of,
    model,
    node,
    sparse,
    tensor,
    value,
)
from onnx_oracle import ours, theirs


def _weights(**fields: object) -> Proto:
    """A model that adds four weights, which are changed."""
    return model(ADD, tensors=[changed(tensor("w", [4]), **fields)])


def _typed(kind: int, **fields: object) -> Proto:
    """A model of one node whose input and output have a type."""
    return model(RELU, inputs=[value("x", kind)], outputs=[value("y", kind)], **fields)


def _concat(**attributes: object) -> Proto:
    return model(node("Concat", "x x", "y", **attributes))


def _sparse_places(places: list[int]) -> Proto:
    whole = sparse()
    whole.graph.sparse_initializer[0].indices.int64_data[:] = places
    return whole


FAULTS: Mapping[str, tuple[Callable[[], Proto | bytes], str]] = {
    # tensors
    "no data": (lambda: _weights(float_data=None), "with 0 values of data, expected 4"),
    "too little data": (lambda: _weights(float_data=[1.0]), "with 1 values of data, expected 4"),
    "too much data": (lambda: _weights(float_data=[1.0] * 5), "with 5 values of data, expected 4"),
    "too few bytes": (
        lambda: _weights(float_data=None, raw_data=bytes(15)),
        "with 15 bytes of data, expected 16",
    ),
    "too many bytes": (
        lambda: _weights(float_data=None, raw_data=bytes(17)),
        "with 17 bytes of data, expected 16",
    ),
    "data of another type": (
        lambda: _weights(float_data=None, int64_data=[1] * 4),
        "with 0 values of data",
    ),
    "data of an empty tensor": (lambda: _weights(dims=[0]), "with 4 values of data, expected 0"),
    "negative size": (lambda: _weights(dims=[-4]), "expected no size below 0"),
    "huge size": (lambda: _weights(dims=[1 << 40, 1 << 40]), "with 4 values of data"),
    "no element type": (lambda: _weights(data_type=0), "with the element type 0"),
    "unknown element type": (lambda: _weights(data_type=99), "with the element type 99"),
    "no data of an output": (
        lambda: model(
            RELU,
            outputs=[value("y"), value("w", shape=[4])],
            tensors=[changed(tensor("w", [4]), float_data=None)],
        ),
        "the tensor 'w' of the shape [4]",
    ),
    "initializer unlike its input": (
        lambda: model(ADD, inputs=[value("x"), value("w", INT32, [4])], tensors=[tensor("w", [4])]),
        "not what the input of that name declares",
    ),
    "initializer of another shape": (
        lambda: model(ADD, inputs=[value("x"), value("w", shape=[3])], tensors=[tensor("w", [4])]),
        "not what the input of that name declares",
    ),
    "two initializers": (
        lambda: model(ADD, tensors=[tensor("w", [4]), tensor("w", [1])]),
        "two initializers 'w'",
    ),
    "sparse value outside": (
        lambda: _sparse_places([0, 9]),
        "values outside its shape",
    ),
    "sparse tensor without a shape": (lambda: sparse(dims=[]), "the sparse tensor 'w'"),
    "sparse tensor without places": (lambda: sparse(indices=None), "the element type 0"),
    # constants
    "constant without a value": (
        lambda: model(node("Constant", "", "w"), ADD),
        "a Constant without a value",
    ),
    "constant without data": (
        lambda: model(
            node("Constant", "", "w", value=changed(tensor("v", [4]), float_data=None)), ADD
        ),
        "with 0 values of data",
    ),
    "constant with two outputs": (
        lambda: model(node("Constant", "", "w v", value=tensor("v", [4])), ADD),
        "a Constant with 2 outputs",
    ),
    # types and shapes
    "types that differ": (
        lambda: model(ADD, tensors=[tensor("w", [4], INT64)]),
        "with 'w' of tensor(int64) beside tensor(float)",
    ),
    "type that is not taken": (lambda: _typed(BOOL), "'x' of tensor(bool), which it does not take"),
    "output declared otherwise": (
        lambda: model(RELU, outputs=[value("y", INT32)]),
        "'y' of tensor(float), declared as tensor(int32)",
    ),
    "value declared otherwise": (
        lambda: model(node("Abs", "x", "a"), node("Relu", "a", "y"), declared=[value("a", INT32)]),
        "'a' of tensor(float), declared as tensor(int32)",
    ),
    "unknown type of an input": (lambda: _typed(77), "the element type 77"),
    "input without a type": (
        lambda: altered(lambda m: m.graph.input[0].ClearField("type")),
        "the input 'x' without a type",
    ),
    "no kernel": (
        lambda: _typed(TensorProto.BFLOAT16),
        "Relu of ai.onnx 17 in the node that gives 'y' with tensor(bfloat16), for which ONNX",
    ),
    "no kernel of Microsoft": (
        lambda: model(
            node("GroupNorm", "x g g", "y", domain="com.microsoft", groups=1, activation=0),
            inputs=[value("x", shape=[1, 2, 2, 4]), value("g", shape=[4])],
            outputs=[value("y", shape=[1, 2, 2, 4])],
        ),
        "GroupNorm of com.microsoft 1",
    ),
    "shapes that do not multiply": (
        lambda: model(node("MatMul", "x w", "y"), tensors=[tensor("w", [5, 3])]),
        "Incompatible dimensions",
    ),
    "shapes that do not add": (lambda: model(ADD, tensors=[tensor("w", [5])]), "Incompatible"),
    "axis outside": (lambda: _concat(axis=7), "axis must be in"),
    "shape computed beforehand": (
        lambda: model(
            node("Shape", "x", "s"),
            node("Mul", "s two", "d"),
            node("Expand", "x d", "y"),
            inputs=[value("x", shape=[2, 3])],
            outputs=[value("y", shape=[4, 6])],
            tensors=[tensor("two", [1], INT64, [2])],
        ),
        "calls Expand of ai.onnx 17 wrongly",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_the_runtime_refuses_is_told(name: str) -> None:
    """ONNX Runtime does not load the model, and modelctl says why."""
    make, problem = FAULTS[name]
    content = content_of(make())

    assert theirs(content)
    assert problem in ours(content)
