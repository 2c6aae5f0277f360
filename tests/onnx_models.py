"""Small models, made of parts that tests replace: words that several test modules share."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper

Proto = Any  # protobuf messages carry no types here

FLOAT, INT32, INT64, BOOL = (
    TensorProto.FLOAT,
    TensorProto.INT32,
    TensorProto.INT64,
    TensorProto.BOOL,
)


def value(name: str, kind: int = FLOAT, shape: Sequence[int | str] | None = ("N", 4)) -> Proto:
    """An input or output with a type."""
    return helper.make_tensor_value_info(name, kind, shape)


def tensor(name: str, shape: Sequence[int], kind: int = FLOAT, data: Sequence[int] = ()) -> Proto:
    """A tensor of ones, or of the data that is given."""
    return helper.make_tensor(name, kind, shape, data or [1] * int(np.prod(shape)))


def node(op: str, inputs: str, outputs: str, **attributes: object) -> Proto:
    """A node whose inputs and outputs are words; `-` is one that is left out."""
    names = [["" if word == "-" else word for word in side.split()] for side in (inputs, outputs)]
    return helper.make_node(op, *names, **attributes)


def graph(nodes: Sequence[Proto], outputs: Sequence[Proto], **more: Any) -> Proto:  # noqa: ANN401
    """An inner graph, without inputs unless they are given."""
    inputs, tensors = more.get("inputs", ()), more.get("tensors", ())
    return helper.make_graph(nodes, more.get("name", "inner"), inputs, outputs, tensors)


def function(name: str, nodes: Sequence[Proto], **more: Any) -> Proto:  # noqa: ANN401
    """A function of the domain `own` from `a` to `b`."""
    opsets = more.get("opsets", {"": 17, "own": 1})
    return helper.make_function(
        more.get("domain", "own"), name, more.get("inputs", ["a"]), more.get("outputs", ["b"]),
        nodes, [helper.make_opsetid(*each) for each in opsets.items()],
    )  # fmt: skip


def model(*nodes: NodeProto, **more: Any) -> Proto:  # noqa: ANN401 - parts of a model
    """A model from `x` to `y`, float32[N, 4], of these nodes."""
    whole = helper.make_graph(
        nodes, "main", more.get("inputs", [value("x")]), more.get("outputs", [value("y")]),
        more.get("tensors", []), value_info=more.get("declared", []),
    )  # fmt: skip
    opsets = more.get("opsets", {"": 17})
    return helper.make_model(
        whole,
        opset_imports=[helper.make_opsetid(*each) for each in opsets.items()],
        ir_version=more.get("ir_version", 8),
        functions=more.get("functions", []),
    )


def called(*functions: Proto, op: str = "F", opset: int = 17) -> Proto:
    """A model that calls a function of the domain `own`."""
    return model(
        node(op, "x", "y", domain="own"), functions=functions, opsets={"": opset, "own": 1}
    )


def branching(then: Proto, other: Proto | None = None, **more: Any) -> Proto:  # noqa: ANN401
    """A model with an If of two inner graphs, the other one sound unless it is given."""
    sound = graph([node("Abs", "x", "e")], [value("e", shape=None)])
    return model(
        node("ReduceSum", "x", "s", keepdims=0),
        node("Cast", "s", "c", to=BOOL),
        node("If", "c", "y", then_branch=then, else_branch=other or sound),
        **more,
    )


def looping(nodes: Sequence[Proto], outputs: Sequence[Proto], inputs: Sequence[Proto]) -> Proto:
    """A model with a Loop that takes `x` three times through an inner graph."""
    body = graph(nodes, outputs, inputs=inputs)
    constants = [tensor("m", [], INT64, [3]), tensor("c0", [], BOOL)]
    return model(node("Loop", "m c0 x", "y", body=body), tensors=constants)


RELU, ADD = node("Relu", "x", "y"), node("Add", "x w", "y")
BODY = node("Relu", "a", "b")
LOOPED = [node("Identity", "c", "c2"), node("Relu", "a", "a2")]
LOOP_INPUTS = [value("i", INT64, ()), value("c", BOOL, ()), value("a", shape=None)]
LOOP_OUTPUTS = [value("c2", BOOL, ()), value("a2", shape=None)]
T = [value("t", shape=None)]


def changed(part: Proto, **fields: object) -> Proto:
    """The part with fields set, or cleared where the value is None."""
    copy = type(part)()
    copy.CopyFrom(part)
    for name, content in fields.items():
        if content is None:
            copy.ClearField(name)
        elif isinstance(content, list):
            copy.ClearField(name)
            getattr(copy, name).extend(content)
        else:
            setattr(copy, name, content)
    return copy


def sparse(**fields: object) -> Proto:
    """A model with a sparse initializer of two values of four, which is changed."""
    places = tensor("places", [2], INT64, [0, 2])
    weights = helper.make_sparse_tensor(tensor("w", [2]), places, [4])
    return altered(lambda m: m.graph.sparse_initializer.append(changed(weights, **fields)), ADD)


def altered(change: Callable[[Proto], object], only: Proto = RELU) -> Proto:
    """A model of one node after a change."""
    whole = model(only)
    change(whole)
    return whole


def chain(depth: int) -> Proto:
    """A model that calls functions which call one another."""
    nodes = [node(f"F{i + 1}", "a", "b", domain="own") for i in range(depth - 1)] + [BODY]
    return called(*(function(f"F{i}", [each]) for i, each in enumerate(nodes)), op="F0")


def content_of(made: Proto | bytes) -> bytes:
    """The bytes of a model, or the bytes that are given."""
    return made if isinstance(made, bytes) else made.SerializeToString()  # type: ignore[no-any-return]
