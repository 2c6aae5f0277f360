"""Small graphs for the tests of packaging."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17

Array = NDArray[Any]


def model(
    nodes: Sequence[onnx.NodeProto],
    source: tuple[str, int],
    result: tuple[str, int],
    **constants: Array,
) -> bytes:
    """A graph from one FP32 input `[batch, n]` to one output `[batch, m]`."""
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])
        for name, size in (source, result)
    ]
    tensors = [
        numpy_helper.from_array(values.astype(np.float32), name)
        for name, values in constants.items()
    ]
    graph = helper.make_graph(nodes, "net", ends[:1], ends[1:], tensors)
    imports = [helper.make_opsetid("", OPSET)]
    made = helper.make_model(graph, opset_imports=imports, ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return bytes(made.SerializeToString(deterministic=True))


def weights(*shape: int, seed: int = 0) -> Array:
    """Random weights of that shape."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def network(
    hidden: int, *, width: int = 6, is_split: bool = False, transposed: bool = False
) -> bytes:
    """A classifier width-hidden-3; with MatMul and Add, or Gemm whose weights may lie turned."""
    w1, w2 = weights(width, hidden), weights(hidden, 3, seed=1)
    b1, b2 = weights(hidden, seed=2), weights(3, seed=3)
    node = helper.make_node
    if is_split:
        nodes = [
            node("MatMul", ["x", "w1"], ["h"]), node("Add", ["h", "b1"], ["hb"]),
            node("Tanh", ["hb"], ["a"]),
            node("MatMul", ["a", "w2"], ["o"]), node("Add", ["b2", "o"], ["scores"]),
        ]  # fmt: skip
    else:
        turn = {"transB": 1} if transposed else {}
        w1, w2 = (w1.T, w2.T) if transposed else (w1, w2)
        nodes = [
            node("Gemm", ["x", "w1", "b1"], ["h"], **turn), node("Relu", ["h"], ["a"]),
            node("Gemm", ["a", "w2", "b2"], ["scores"], **turn),
        ]  # fmt: skip
    return model(nodes, ("x", width), ("scores", 3), w1=w1, b1=b1, w2=w2, b2=b2)


def rows(count: int, width: int = 6) -> Array:
    """Random rows `float32[count, width]`."""
    return weights(count, width, seed=9)
