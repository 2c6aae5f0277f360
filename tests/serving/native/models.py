"""Models that crash ONNX Runtime over input that their contract allows."""

import numpy as np
import onnx
from onnx import numpy_helper

from onnx_models import BOOL, INT64, graph, node, value
from tests.serving import onnx_models


def recurrent(*before: onnx.NodeProto, name: str = "x", op: str = "LSTM") -> onnx.ModelProto:
    """An LSTM (or the like) over the sequences `name`, which nodes before it may make of x."""
    random = np.random.default_rng(7)
    gates = 4 if op == "LSTM" else 3
    nodes = [*before, node(op, f"{name} w r", "h", hidden_size=3), node("Squeeze", "h one", "y")]
    tensors = {
        "w": random.normal(size=(1, gates * 3, 2)).astype(np.float32),
        "r": random.normal(size=(1, gates * 3, 3)).astype(np.float32),
        "one": np.array([1]),
        "none": np.float32(0),
    }
    return onnx_models.build(
        nodes,
        {"x": ("FP32", ("T", "N", 2))},
        {"y": ("FP32", ("T", "N", 3))},
        [numpy_helper.from_array(np.asarray(array), key) for key, array in tensors.items()],
    )


def by_rows(op: str = "LSTM") -> onnx.ModelProto:
    """An LSTM (or the like) that takes rows of sequences, as most exporters write it."""
    model = recurrent(node("Transpose", "x", "s", perm=[1, 0, 2]), name="s", op=op)
    model.graph.node[-1].output[0] = "steps"
    model.graph.node.append(node("Transpose", "steps", "y", perm=[1, 0, 2]))
    return model


def chosen() -> onnx.ModelProto:
    """An LSTM over those steps whose first number is above 0: perhaps none."""
    return recurrent(
        node("ReduceMax", "x", "m", axes=[1, 2], keepdims=0),
        node("Greater", "m none", "c"),
        node("Compress", "x c", "s", axis=0),
        name="s",
    )


def divided() -> onnx.ModelProto:
    """Gives a / b of whole numbers."""
    tensor = ("INT64", ("N",))
    return onnx_models.build([node("Div", "a b", "y")], {"a": tensor, "b": tensor}, {"y": tensor})


def looping() -> onnx.ModelProto:
    """Gives x doubled n times, where n is sent."""
    body = graph(
        [node("Identity", "c", "c2"), node("Add", "a a", "a2")],
        [value("c2", BOOL, ()), value("a2", shape=None)],
        inputs=[value("i", INT64, ()), value("c", BOOL, ()), value("a", shape=None)],
    )
    tensor = ("FP32", ("N",))
    return onnx_models.build(
        [node("Loop", "n - x", "y", body=body)], {"n": ("INT64", ()), "x": tensor}, {"y": tensor}
    )
