"""An ONNX file of any size."""

import numpy as np
from onnx import TensorProto, ValueInfoProto, helper, numpy_helper

from modelctl.model.tensors import Graph, TensorSpec


def onnx_file(size_bytes: int, graph: Graph) -> bytes:
    """A model of two matrix products with random weights, about so large.

    `graph` is what it declares: one input and one output, float32[batch, n] each.
    """
    (taken,), (given,) = graph.inputs, graph.outputs
    rows, columns = taken.shape[1], given.shape[1]
    width = size_bytes // (4 * (rows + columns))
    random = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(random.random(shape, np.float32), name)
        for name, shape in {"wide": (rows, width), "narrow": (width, columns)}.items()
    ]
    nodes = [
        helper.make_node("MatMul", [taken.name, "wide"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "narrow"], [given.name]),
    ]
    made = helper.make_graph(nodes, "fleet", [_value(taken)], [_value(given)], weights)
    opsets = [helper.make_opsetid("", graph.opsets["ai.onnx"])]
    model = helper.make_model(made, opset_imports=opsets, ir_version=graph.ir_version)
    content: bytes = model.SerializeToString()
    return content


def _value(spec: TensorSpec) -> ValueInfoProto:
    return helper.make_tensor_value_info(spec.name, TensorProto.FLOAT, ["batch", spec.shape[1]])
