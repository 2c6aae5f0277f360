"""Models that ONNX Runtime loads, however odd they are."""

from collections.abc import Callable, Mapping

import pytest
from onnx import TensorProto, ValueInfoProto, helper

from onnx_models import (
    ADD,
    BODY,
    BOOL,
    FLOAT,
    LOOP_INPUTS,
    LOOP_OUTPUTS,
    LOOPED,
    RELU,
    Proto,
    T,
    altered,
    branching,
    called,
    chain,
    content_of,
    function,
    graph,
    looping,
    model,
    node,
    sparse,
    tensor,
    value,
)
from onnx_oracle import ours, theirs

SOUND: Mapping[str, Callable[[], Proto | bytes]] = {
    "any order": lambda: model(node("Relu", "a", "y"), node("Abs", "x", "a")),
    "two files of different names": lambda: (
        model(RELU).SerializeToString()
        + model(
            node("Abs", "p", "q"), inputs=[value("p")], outputs=[value("q")]
        ).SerializeToString()
    ),
    "operator set twice": lambda: altered(
        lambda m: m.opset_import.append(helper.make_opsetid("", 13))
    ),
    "operator set left out": lambda: model(RELU, opsets={"ai.onnx.ml": 3}),
    "operator set by its other name": lambda: model(RELU, opsets={"ai.onnx": 17}),
    "unknown domain that is not used": lambda: model(RELU, opsets={"": 17, "mine": 9}),
    "Microsoft operator": lambda: model(node("Gelu", "x", "y", domain="com.microsoft")),
    "IR version 0": lambda: model(RELU, ir_version=0),
    "graph without a name": lambda: altered(lambda m: m.graph.ClearField("name")),
    "unused tensor without data": lambda: model(
        RELU, tensors=[TensorProto(name="w", dims=[4], data_type=FLOAT)]
    ),
    "same initializer twice": lambda: model(ADD, tensors=[tensor("w", [4]), tensor("w", [4])]),
    "sparse tensor": sparse,
    "wrong shape of a value": lambda: model(
        node("Abs", "x", "a"), node("Relu", "a", "y"), declared=[value("a", shape=[3, 3, 3])]
    ),
    "size below 0 for any": lambda: model(RELU, inputs=[value("x", shape=[-1, 4])]),
    "attribute of an implementation": lambda: model(node("Relu", "x", "y", __hint=1)),
    "attribute that is not looked at": lambda: model(
        node("LayerNormalization", "x w", "y", foo=1), tensors=[tensor("w", [4])]
    ),
    "kernel of 32 bits for 16": lambda: model(
        node("Conv", "x w", "y"),
        inputs=[value("x", TensorProto.FLOAT16, [1, 1, 8, 8])],
        outputs=[value("y", TensorProto.FLOAT16, None)],
        tensors=[tensor("w", [1, 1, 3, 3], TensorProto.FLOAT16)],
    ),
    "operator that stands for others": lambda: model(node("HardSwish", "x", "y"), opsets={"": 22}),
    "branches": lambda: branching(graph([node("Relu", "x", "t")], T)),
    "branch that takes what comes later": lambda: model(
        node("Cast", "flag", "c", to=BOOL),
        node(
            "If",
            "c",
            "y",
            then_branch=graph([node("Relu", "late", "t")], T),
            else_branch=graph([node("Abs", "x", "e")], [value("e", shape=None)]),
        ),
        node("Abs", "x", "late"),
        inputs=[value("x"), value("flag", FLOAT, ())],
    ),
    "loop": lambda: looping(LOOPED, LOOP_OUTPUTS, LOOP_INPUTS),
    "loop without types": lambda: looping(
        LOOPED, LOOP_OUTPUTS, [ValueInfoProto(name=name) for name in "ica"]
    ),
    "function": lambda: called(function("F", [BODY])),
    "function of another operator set": lambda: called(function("F", [BODY], opsets={"": 13})),
    "functions in functions": lambda: chain(200),
    "unused function that cannot be": lambda: model(
        RELU, functions=[function("F", [node("Foo", "zz", "b")])]
    ),
    "unknown field behind": lambda: model(RELU).SerializeToString() + b"\xfa\x7f\x01a",
}


@pytest.mark.parametrize("name", SOUND)
def test_what_the_runtime_loads_passes(name: str) -> None:
    """ONNX Runtime loads the model, however odd, and modelctl does not stand in the way."""
    content = content_of(SOUND[name]())

    assert theirs(content) == ""
    assert ours(content) == ""
