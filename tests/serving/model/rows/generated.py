"""Graphs of random nodes, most of which mix rows in one way or another."""

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from tests.onnx_models import node

Proto = Any  # protobuf messages carry no types here
Make = Callable[["Growing"], None]

_SIZES = (1, 1, 2, 2, 4)


class Growing:
    """A graph that grows; it knows of each value so far how many dimensions it should have."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.nodes: list[Proto] = []
        self.tensors: list[Proto] = []
        self.ranks: dict[str, int] = {"x": 3, "w": random.choice([1, 2, 3])}
        self.last = "x"

    def pick(self) -> str:
        """A value, most often the last one."""
        return self.last if self.random.random() < 0.8 else self.random.choice(list(self.ranks))

    def axis(self, rank: int) -> int:
        """An axis, counted from either end."""
        return self.random.randrange(-rank, rank) if rank else 0

    def constant(self, value: Any) -> str:  # noqa: ANN401 - what becomes an array
        """The name of a constant."""
        name = f"c{len(self.tensors)}"
        array = np.asarray(value)
        array = array.astype(np.float32) if array.dtype.kind == "f" else array.astype(np.int64)
        self.tensors.append(numpy_helper.from_array(array, name))
        return name

    def numbers(self, rank: int) -> str:
        """A constant of so many dimensions, each small."""
        shape = [self.random.choice(_SIZES) for _ in range(rank)]
        made = np.arange(1, 1 + int(np.prod(shape, dtype=int))).reshape(shape) / 4
        return self.constant(made.astype(float))

    def add(self, op: str, inputs: str, rank: int, **attributes: Any) -> str:  # noqa: ANN401
        """A node more, which gives the last value."""
        name = f"v{len(self.nodes)}"
        self.nodes.append(node(op, inputs, name, **attributes))
        if rank >= 0:
            self.ranks[name] = rank
            self.last = name
        return name

    def count(self, name: str) -> str:
        """A list of one number: the first size of a value."""
        shape = self.add("Shape", name, -1)
        return self.add("Gather", f"{shape} {self.constant([0])}", -1, axis=0)

    def model(self) -> Proto:
        """The graph from x and w to its last value."""
        shapes = {"x": ["N", 2, 4], "w": ["N", 2, 4][: self.ranks["w"]]}
        whole = helper.make_graph(
            self.nodes,
            "generated",
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()],
            [helper.make_empty_tensor_value_info(self.last)],
            self.tensors,
        )
        opsets = [helper.make_opsetid("", 17)]
        return helper.make_model(whole, opset_imports=opsets, ir_version=9)


def _unary(graph: Growing) -> None:
    name = graph.pick()
    graph.add(graph.random.choice(["Neg", "Abs", "Tanh"]), name, graph.ranks[name])


def _binary(graph: Growing) -> None:
    name = graph.pick()
    other = graph.pick() if graph.random.random() < 0.5 else ""
    rank = graph.ranks[other] if other else graph.random.randrange(graph.ranks[name] + 1)
    other = other or graph.numbers(rank)
    names = [name, other]
    graph.random.shuffle(names)
    op = graph.random.choice(["Add", "Mul", "Max", "Sub"])
    graph.add(op, " ".join(names), max(rank, graph.ranks[name]))


def _reduce(graph: Growing) -> None:
    name = graph.pick()
    rank, keeps = graph.ranks[name], graph.random.randrange(2)
    axes = sorted({graph.axis(rank) % max(rank, 1) for _ in range(graph.random.randrange(1, 3))})
    if rank:
        left = rank if keeps else rank - len(axes)
        op = graph.random.choice(["ReduceMax", "ReduceMean", "ReduceMin"])
        graph.add(op, name, left, axes=axes, keepdims=keeps)


def _along(graph: Growing) -> None:
    name = graph.pick()
    if rank := graph.ranks[name]:
        op = graph.random.choice(["Softmax", "LpNormalization", "Hardmax"])
        graph.add(op, name, rank, axis=graph.axis(rank))


def _transpose(graph: Growing) -> None:
    name = graph.pick()
    order = list(range(graph.ranks[name]))
    graph.random.shuffle(order)
    if order:
        graph.add("Transpose", name, len(order), perm=order)


def _reshape(graph: Growing) -> None:
    name, rank = graph.pick(), graph.random.choice([1, 2, 2, 3, 3, 4])
    target = [graph.random.choice([0, 1, 2, 4, 8]) for _ in range(rank)]
    place = graph.random.randrange(rank)
    target[place] = -1
    if graph.random.random() < 0.5:
        graph.add("Reshape", f"{name} {graph.constant(target)}", rank)
        return
    parts = [graph.constant([size]) for size in target]
    parts[graph.random.randrange(rank)] = graph.count(graph.random.choice(["x", "w", name]))
    joined = graph.add("Concat", " ".join(parts), -1, axis=0)
    graph.add("Reshape", f"{name} {joined}", rank)


def _expand(graph: Growing) -> None:
    name = graph.numbers(graph.random.randrange(3)) if graph.random.random() < 0.6 else graph.pick()
    parts = [graph.constant([graph.random.choice(_SIZES)]) for _ in range(2)]
    parts.insert(graph.random.randrange(3), graph.count("x"))
    joined = graph.add("Concat", " ".join(parts), -1, axis=0)
    graph.add("Expand", f"{name} {joined}", 3)


def _tile(graph: Growing) -> None:
    name = graph.numbers(2) if graph.random.random() < 0.5 else graph.pick()
    rank = graph.ranks.get(name, 2)
    parts = [graph.constant([graph.random.choice([1, 1, 2])]) for _ in range(rank)]
    if parts and graph.random.random() < 0.6:
        parts[graph.random.randrange(rank)] = graph.count("x")
    if parts:
        joined = graph.add("Concat", " ".join(parts), -1, axis=0)
        graph.add("Tile", f"{name} {joined}", rank)


def _concat(graph: Growing) -> None:
    name = graph.pick()
    if rank := graph.ranks[name]:
        other = graph.pick() if graph.random.random() < 0.7 else graph.numbers(rank)
        graph.add("Concat", f"{name} {other}", rank, axis=graph.axis(rank))


def _slice(graph: Growing) -> None:
    name = graph.pick()
    if rank := graph.ranks[name]:
        start = graph.constant([graph.random.choice([0, 0, 1, -1])])
        end = graph.constant([graph.random.choice([1, 2, 2**31])])
        if graph.random.random() < 0.4:
            end = graph.count("x")
        axes = graph.constant([graph.axis(rank)])
        graph.add("Slice", f"{name} {start} {end} {axes}", rank)


def _gather(graph: Growing) -> None:
    name = graph.pick()
    if rank := graph.ranks[name]:
        indices = graph.constant(graph.random.choice([0, [0], [0, 0], [[0]]]))
        more = graph.tensors[-1].dims
        axis = graph.axis(rank)
        graph.add("Gather", f"{name} {indices}", rank - 1 + len(more), axis=axis)


def _squeeze(graph: Growing) -> None:
    name = graph.pick()
    rank = graph.ranks[name]
    if graph.random.random() < 0.7:
        axes = graph.constant([graph.axis(rank + 1)])
        graph.add("Unsqueeze", f"{name} {axes}", rank + 1)
    elif rank:
        axes = graph.constant([graph.axis(rank)])
        graph.add("Squeeze", f"{name} {axes}", rank - 1)


def _matmul(graph: Growing) -> None:
    name, other = graph.pick(), graph.pick()
    if graph.random.random() < 0.5:
        other = graph.numbers(graph.random.choice([1, 2, 2, 3]))
    names = [name, other]
    graph.random.shuffle(names)
    ranks = [graph.ranks.get(each, 2) for each in names]
    if all(ranks):
        graph.add("MatMul", " ".join(names), max(max(ranks) - (1 in ranks), 0))


def _flatten(graph: Growing) -> None:
    name = graph.pick()
    if rank := graph.ranks[name]:
        graph.add("Flatten", name, 2, axis=graph.axis(rank))


MAKERS: tuple[Make, ...] = (
    *(_unary, _binary, _binary, _reduce, _along, _transpose, _reshape, _reshape, _expand, _tile),
    *(_concat, _slice, _gather, _squeeze, _matmul, _flatten),
)


def generated(seed: int) -> Proto:
    """A model of a few random nodes; many of them no ONNX Runtime takes."""
    random = Random(seed)  # noqa: S311 - the same for the same seed
    graph = Growing(random)
    for _ in range(random.randrange(1, 9)):
        random.choice(MAKERS)(graph)
    if graph.last == "x":
        _unary(graph)
    return graph.model()
