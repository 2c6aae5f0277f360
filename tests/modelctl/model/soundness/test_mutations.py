"""Small faults at random places: ONNX Runtime and modelctl say the same of each."""

import random
from collections.abc import Callable, Iterator, Mapping

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from onnx_models import (
    ADD,
    BODY,
    BOOL,
    FLOAT,
    INT64,
    LOOP_INPUTS,
    LOOP_OUTPUTS,
    LOOPED,
    RELU,
    Proto,
    T,
    branching,
    called,
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

_CONVOLUTION = [
    node("Conv", "x k", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    node("BatchNormalization", "c g g g g", "n"),
    node("Relu", "n", "r"),
    node("Flatten", "r", "f"),
    node("Gemm", "f w b", "l"),
    node("Softmax", "l", "y"),
]
_SEEDS = (
    lambda: model(RELU),
    lambda: model(ADD, tensors=[tensor("w", [4])]),
    lambda: model(node("Constant", "", "w", value=tensor("v", [4])), ADD),
    lambda: model(
        *_CONVOLUTION,
        inputs=[value("x", shape=["N", 1, 4, 4])],
        outputs=[value("y", shape=["N", 3])],
        tensors=[
            tensor("k", [2, 1, 3, 3]), tensor("g", [2]), tensor("w", [32, 3]), tensor("b", [3]),
        ],
    ),
    lambda: model(
        node("MatMul", "x w", "a"), node("Concat", "a a", "b", axis=1), node("Tanh", "b", "c"),
        node("ReduceMean", "c", "y", axes=[1]), tensors=[tensor("w", [4, 2])],
    ),
    lambda: model(
        node("Gather", "w i", "a"), node("Cast", "a", "b", to=INT64), node("Equal", "b i", "c"),
        node("Where", "c x x", "y"), inputs=[value("x", shape=[4])],
        outputs=[value("y", shape=[4])],
        tensors=[tensor("w", [4]), tensor("i", [4], INT64)],
    ),
    lambda: branching(graph([node("Mul", "x v", "t")], T, tensors=[tensor("v", [4])])),
    lambda: looping(LOOPED, LOOP_OUTPUTS, LOOP_INPUTS),
    lambda: called(function("F", [node("Sigmoid", "a", "c"), node("Mul", "a c", "b")])),
    lambda: called(function("F", [node("G", "a", "b", domain="own")]), function("G", [BODY])),
    sparse,
)  # fmt: skip
_OPERATORS = (
    *("Abs", "Add", "And", "Cast", "Concat", "Constant", "Conv", "Flatten", "Foo", "Gelu", "Gemm"),
    *("Identity", "If", "Less", "MatMul", "Not", "Relu", "Reshape", "Shape", "Softmax", "Upsample"),
)
_TYPES = (0, FLOAT, 2, 6, INT64, 8, BOOL, 10, 11, 14, 16, 17, 77)


def _graphs(outer: Proto) -> Iterator[Proto]:
    yield outer
    for each in outer.node:
        for attribute in each.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)


def _names(part: Proto) -> list[str]:
    names = [one.name for one in (*part.input, *part.output, *part.initializer)]
    return [*names, *(name for each in part.node for name in (*each.input, *each.output)), "zz", ""]


def _swap(part: Proto, pick: random.Random) -> None:
    sides = [side for each in part.node for side in (each.input, each.output) if side]
    if sides:
        side = pick.choice(sides)
        side[pick.randrange(len(side))] = pick.choice(_names(part))


def _drop(part: Proto, pick: random.Random) -> None:
    kinds = [part.node, part.initializer, part.input, part.output]
    kind = pick.choice([each for each in kinds if each])
    del kind[pick.randrange(len(kind))]


def _double(part: Proto, pick: random.Random) -> None:
    kinds = [part.node, part.initializer, part.input, part.output]
    kind = pick.choice([each for each in kinds if each])
    twin = pick.choice(kind)
    kind.add().CopyFrom(twin)


def _call(part: Proto, pick: random.Random) -> None:
    pick.choice(part.node).op_type = pick.choice(_OPERATORS)


def _arity(part: Proto, pick: random.Random) -> None:
    each = pick.choice(part.node)
    side = pick.choice([each.input, each.output])
    if side and pick.random() < 0.5:
        del side[-1]
    else:
        side.append(pick.choice(_names(part)))


def _retype(part: Proto, pick: random.Random) -> None:
    values = [one for one in (*part.input, *part.output) if one.type.HasField("tensor_type")]
    if part.initializer and (not values or pick.random() < 0.5):
        pick.choice(part.initializer).data_type = pick.choice(_TYPES)
    elif values:
        pick.choice(values).type.tensor_type.elem_type = pick.choice(_TYPES)


def _resize(part: Proto, pick: random.Random) -> None:
    shapes = [each.dims for each in part.initializer if each.dims]
    if shapes:
        sizes = pick.choice(shapes)
        sizes[pick.randrange(len(sizes))] = pick.choice([-1, 0, 1, 2, 3, 4, 5])


def _attribute(part: Proto, pick: random.Random) -> None:
    attributes = [each.attribute for each in part.node if each.attribute]
    if attributes:
        chosen = pick.choice(attributes)
        if pick.random() < 0.5:
            del chosen[pick.randrange(len(chosen))]
        else:
            pick.choice(chosen).type = pick.choice([1, 2, 3, 4, 5, 7])


_CHANGES: Mapping[str, Callable[[Proto, random.Random], None]] = {
    "swap": _swap,
    "drop": _drop,
    "double": _double,
    "call": _call,
    "arity": _arity,
    "retype": _retype,
    "resize": _resize,
    "attribute": _attribute,
}


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(
    st.integers(0, len(_SEEDS) - 1),
    st.lists(st.sampled_from(sorted(_CHANGES)), min_size=1, max_size=2),
    st.randoms(use_true_random=False),
)
def test_both_say_the_same(seed: int, changes: list[str], pick: random.Random) -> None:
    """After one or two changes a model loads exactly where nothing is said against it."""
    mutant = _SEEDS[seed]()
    for change in changes:
        part = pick.choice([*_graphs(mutant.graph)])
        if part.node:
            _CHANGES[change](part, pick)
    assume(mutant.graph.output)  # a graph without outputs is none for any server
    content = mutant.SerializeToString()

    refusal, problem = theirs(content), ours(content)

    assert bool(refusal) == bool(problem), f"ONNX Runtime: {refusal!r}, modelctl: {problem!r}"
