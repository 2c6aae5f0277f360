"""Faults of inner graphs, of functions and of the bytes themselves."""

from collections.abc import Callable, Mapping

import pytest
from onnx import TensorProto

from onnx_models import (
    BODY,
    INT32,
    LOOP_INPUTS,
    LOOP_OUTPUTS,
    LOOPED,
    RELU,
    Proto,
    T,
    branching,
    called,
    chain,
    content_of,
    function,
    graph,
    looping,
    model,
    node,
    value,
)
from onnx_oracle import ours, theirs

FAULTS: Mapping[str, tuple[Callable[[], Proto | bytes], str]] = {
    # inner graphs
    "inner input that nothing gives": (
        lambda: branching(graph([node("Relu", "nope", "t")], T)),
        "input 'nope', which nothing gives",
    ),
    "inner output from outside": (
        lambda: branching(graph([], [value("x")])),
        "the output 'x' of the inner graph",
    ),
    "inner order": (
        lambda: branching(graph([node("Relu", "a", "t"), node("Abs", "x", "a")], T)),
        "before 'a', which it takes, is given",
    ),
    "inner name that is taken": (
        lambda: branching(graph([node("Relu", "x", "s")], [value("s", shape=None)])),
        "the name 's' in a graph",
    ),
    "inner graph without a name": (
        lambda: branching(graph([node("Relu", "x", "t")], T, name="")),
        "a graph without a name",
    ),
    "inner unknown operator": (
        lambda: branching(graph([node("Foo", "x", "t")], T)),
        "the operator Foo",
    ),
    "inner tensor without data": (
        lambda: branching(
            graph(
                [node("Relu", "x", "t")], T, tensors=[TensorProto(name="v", dims=[1], data_type=1)]
            )
        ),
        "with no data, expected data in one field",
    ),
    "branches of different numbers": (
        lambda: branching(
            graph([node("Relu", "x", "t"), node("Abs", "x", "u")], [*T, value("u", shape=None)])
        ),
        "a graph for 2 outputs, expected 1",
    ),
    "branches of different types": (
        lambda: branching(
            graph([node("Cast", "x", "t", to=INT32)], [value("t", INT32, shape=None)])
        ),
        "tensor(int32) and tensor(float) for one output",
    ),
    "branch that needs what needs it": (
        lambda: branching(graph([node("Relu", "y", "t")], T)),
        "in a circle",
    ),
    "loop with few inputs": (
        lambda: looping(LOOPED, LOOP_OUTPUTS, LOOP_INPUTS[:2]),
        "input 'a', which nothing gives",
    ),
    "loop with few outputs": (
        lambda: looping(LOOPED, LOOP_OUTPUTS[:1], LOOP_INPUTS),
        "a graph for 0 outputs, expected 1",
    ),
    "loop that changes a type": (
        lambda: looping(
            [LOOPED[0], node("Cast", "a", "a2", to=INT32)],
            [LOOP_OUTPUTS[0], value("a2", INT32, None)],
            LOOP_INPUTS,
        ),
        "tensor(float) and tensor(int32) for one output",
    ),
    # functions
    "function that calls itself": (
        lambda: called(function("F", [node("F", "a", "b", domain="own")])),
        "calls itself",
    ),
    "functions that call each other": (
        lambda: called(
            function("F", [node("G", "a", "b", domain="own")]),
            function("G", [node("F", "a", "b", domain="own")]),
        ),
        "calls itself",
    ),
    "unused function that calls itself": (
        lambda: model(RELU, functions=[function("F", [node("F", "a", "b", domain="own")])]),
        "calls itself",
    ),
    "function without its operator set": (
        lambda: called(function("F", [BODY], opsets={"own": 1})),
        "imports no version of it",
    ),
    "function of an unimported domain": (
        lambda: model(node("F", "x", "y", domain="own"), functions=[function("F", [BODY])]),
        "imports no version of that domain",
    ),
    "function twice": (
        lambda: called(function("F", [BODY]), function("F", [BODY])),
        "the function 'F' twice",
    ),
    "function without its output": (
        lambda: called(function("F", [node("Relu", "a", "c")])),
        "whose output 'b' no node gives",
    ),
    "function that takes what nothing gives": (
        lambda: called(function("F", [node("Relu", "x", "b")])),
        "takes 'x', which no node before it gives",
    ),
    "function with an unknown operator": (
        lambda: called(function("F", [node("Foo", "a", "b")])),
        "the operator Foo",
    ),
    "function with types that do not fit": (
        lambda: called(function("F", [node("And", "a a", "b")])),
        "which it does not take",
    ),
    "function called with too much": (
        lambda: model(
            node("F", "x x", "y", domain="own"),
            functions=[function("F", [BODY])],
            opsets={"": 17, "own": 1},
        ),
        "with 2 inputs, expected at most 1",
    ),
    "function of the standard's domain": (
        lambda: model(
            node("Foo", "x", "y"), functions=[function("Foo", [BODY], domain="", opsets={"": 17})]
        ),
        "the operator Foo",
    ),
    "functions too deep": (lambda: chain(3000), "calls functions 2501 deep"),
    # bytes
    "truncated": (lambda: model(RELU).SerializeToString()[:-3], "truncated"),
    "garbage behind": (lambda: model(RELU).SerializeToString() + b"\xff\xff", "truncated"),
    "no UTF-8": (
        lambda: model(RELU).SerializeToString().replace(b"Relu", b"Rel\xff"),
        "does not know",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_the_runtime_refuses_is_told(name: str) -> None:
    """ONNX Runtime does not load the model, and modelctl says why."""
    make, problem = FAULTS[name]
    content = content_of(make())

    assert theirs(content)
    assert problem in ours(content)
