"""Tiny ONNX models, each with one trait that a test needs."""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ONNX_TYPES = {
    "BOOL": TensorProto.BOOL,
    "UINT8": TensorProto.UINT8,
    "UINT16": TensorProto.UINT16,
    "UINT32": TensorProto.UINT32,
    "UINT64": TensorProto.UINT64,
    "INT8": TensorProto.INT8,
    "INT16": TensorProto.INT16,
    "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64,
    "FP16": TensorProto.FLOAT16,
    "FP32": TensorProto.FLOAT,
    "FP64": TensorProto.DOUBLE,
    "BF16": TensorProto.BFLOAT16,
    "BYTES": TensorProto.STRING,
}

Shape = Sequence[int | str | None]


def build(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, tuple[str, Shape]],
    outputs: dict[str, tuple[str, Shape]],
    initializers: Sequence[onnx.TensorProto] = (),
    opset: int = 17,
) -> onnx.ModelProto:
    """A model of the given nodes; inputs and outputs by name with datatype and shape."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [_info(name, *each) for name, each in inputs.items()],
        [_info(name, *each) for name, each in outputs.items()],
        initializers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def identity(datatype: str, shape: Shape = ("N", 2)) -> onnx.ModelProto:
    """Gives y = x."""
    return build(
        [helper.make_node("Identity", ["x"], ["y"])],
        {"x": (datatype, shape)},
        {"y": (datatype, shape)},
    )


def affine(size: int = 3) -> onnx.ModelProto:
    """Gives y = x @ w + b with x of 4 columns and fixed random w and b."""
    random = np.random.default_rng(7)
    return build(
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"])],
        {"x": ("FP32", ("N", 4))},
        {"y": ("FP32", ("N", size))},
        [
            numpy_helper.from_array(random.normal(size=(4, size)).astype(np.float32), "w"),
            numpy_helper.from_array(random.normal(size=size).astype(np.float32), "b"),
        ],
    )


def pair() -> onnx.ModelProto:
    """Gives y = x @ w + b as `affine` does, and v = u, whose rows are of another number."""
    model = affine()
    model.graph.node.append(helper.make_node("Identity", ["u"], ["v"]))
    model.graph.input.append(_info("u", "FP32", ("M", 2)))
    model.graph.output.append(_info("v", "FP32", ("M", 2)))
    return model


def deep(layers: int, width: int) -> onnx.ModelProto:
    """Gives y = x times so many square matrices, which hold 4 * layers * width**2 bytes."""
    random = np.random.default_rng(7)
    tensor = ("FP32", ("N", width))
    nodes = [helper.make_node("MatMul", [f"x{n}", f"w{n}"], [f"x{n + 1}"]) for n in range(layers)]
    nodes[0].input[0], nodes[-1].output[0] = "x", "y"
    weights = [random.normal(size=(width, width)).astype(np.float32) for _ in nodes]
    named = [numpy_helper.from_array(weight, f"w{n}") for n, weight in enumerate(weights)]
    return build(nodes, {"x": tensor}, {"y": tensor}, named)


def total() -> onnx.ModelProto:
    """Gives sum = a + b and mean = (a + b) / 2, where both share the batch size N."""
    shape = ("N", 2)
    return build(
        [
            helper.make_node("Add", ["a", "b"], ["sum"]),
            helper.make_node("Mean", ["a", "b"], ["mean"]),
        ],
        {"a": ("FP32", shape), "b": ("FP32", shape)},
        {"sum": ("FP32", shape), "mean": ("FP32", shape)},
    )


def pick() -> onnx.ModelProto:
    """Gives y = table[x] with a table of 3 elements: an index beyond it is the client's fault."""
    return build(
        [helper.make_node("Gather", ["table", "x"], ["y"])],
        {"x": ("INT64", ("N",))},
        {"y": ("FP32", ("N",))},
        [numpy_helper.from_array(np.array([10, 20, 30], np.float32), "table")],
    )


def centred() -> onnx.ModelProto:
    """Gives y = x - mean of the batch: its rows depend on each other."""
    return build(
        [
            helper.make_node("ReduceMean", ["x"], ["m"], axes=[0], keepdims=1),
            helper.make_node("Sub", ["x", "m"], ["y"]),
        ],
        {"x": ("FP32", ("N", 2))},
        {"y": ("FP32", ("N", 2))},
    )


def requantised() -> onnx.ModelProto:
    """Gives x in 8 bits, with a scale that is taken from the whole batch."""
    return build(
        [
            helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
            helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"]),
        ],
        {"x": ("FP32", ("N", 2))},
        {"y": ("FP32", ("N", 2))},
    )


def widen(width: int) -> onnx.ModelProto:
    """Gives y = x in each of so many columns, of x with one."""
    zeros = numpy_helper.from_array(np.zeros((1, width), np.float32), "zeros")
    return build(
        [helper.make_node("Add", ["x", "zeros"], ["y"])],
        {"x": ("FP32", ("N", 1))},
        {"y": ("FP32", ("N", width))},
        [zeros],
    )


def attention(size: int = 8) -> onnx.ModelProto:
    """Gives the attention of x to itself: time and memory grow with the square of the length."""
    shape = ("N", "length", size)
    return build(
        [
            helper.make_node("Transpose", ["x"], ["turned"], perm=[0, 2, 1]),
            helper.make_node("MatMul", ["x", "turned"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["weights"], axis=-1),
            helper.make_node("MatMul", ["weights", "x"], ["y"]),
        ],
        {"x": ("FP32", shape)},
        {"y": ("FP32", shape)},
    )


def as_many_as_told() -> onnx.ModelProto:
    """Gives x zeros: what an answer takes does not follow from any size of the input."""
    return build(
        [helper.make_node("ConstantOfShape", ["x"], ["y"])],
        {"x": ("INT64", (1,))},
        {"y": ("FP32", ("zeros",))},
    )


def logarithm() -> onnx.ModelProto:
    """Gives y = log(x): NaN below 0 and -infinity at 0."""
    return build(
        [helper.make_node("Log", ["x"], ["y"])],
        {"x": ("FP32", ("N", 2))},
        {"y": ("FP32", ("N", 2))},
    )


def slow(matrix_products: int) -> onnx.ModelProto:
    """Gives y = x 512 times, after products of 512 x 512 matrices, some milliseconds each."""
    nodes = [helper.make_node("Expand", ["x", "size"], ["m0"])]
    nodes += [
        helper.make_node("MatMul", [f"m{i}", "w"], [f"m{i + 1}"]) for i in range(matrix_products)
    ]
    nodes.append(
        helper.make_node("ReduceMax", [f"m{matrix_products}"], ["y"], axes=[1], keepdims=1)
    )
    eye = np.eye(512, dtype=np.float32)
    return build(
        nodes,
        {"x": ("FP32", (1, 1))},
        {"y": ("FP32", (512, 1))},
        [
            numpy_helper.from_array(np.array([512, 512], np.int64), "size"),
            numpy_helper.from_array(eye, "w"),
        ],
    )


def with_default() -> onnx.ModelProto:
    """Gives y = x + w, where w is an input with a default: [10, 20]."""
    return build(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        {"x": ("FP32", ("N", 2)), "w": ("FP32", (2,))},
        {"y": ("FP32", ("N", 2))},
        [numpy_helper.from_array(np.array([10, 20], np.float32), "w")],
    )


def constant() -> onnx.ModelProto:
    """Gives y = [[1, 2]] and takes nothing."""
    value = numpy_helper.from_array(np.array([[1, 2]], np.float32))
    node = helper.make_node("Constant", [], ["y"], value=value)
    return build([node], {}, {"y": ("FP32", (1, 2))})


def optional() -> onnx.ModelProto:
    """Takes x and perhaps o, which the protocol cannot leave out."""
    model = build(
        [
            helper.make_node("OptionalHasElement", ["o"], ["has"]),
            helper.make_node("Cast", ["has"], ["number"], to=TensorProto.FLOAT),
            helper.make_node("Add", ["x", "number"], ["y"]),
        ],
        {"x": ("FP32", ("N", 2))},
        {"y": ("FP32", ("N", 2))},
        opset=18,
    )
    tensor = helper.make_tensor_type_proto(TensorProto.FLOAT, ["N", 2])
    kind = helper.make_optional_type_proto(tensor)
    model.graph.input.append(helper.make_value_info("o", kind))
    return model


def enormous(elements: int = 1 << 42) -> onnx.ModelProto:
    """Needs 4 bytes an element to run, by default 16 TiB."""
    return build(
        [
            helper.make_node("ConstantOfShape", ["size"], ["big"]),
            helper.make_node("ReduceMax", ["big"], ["top"], keepdims=0),
            helper.make_node("Add", ["x", "top"], ["y"]),
        ],
        {"x": ("FP32", ("N", 2))},
        {"y": ("FP32", ("N", 2))},
        [numpy_helper.from_array(np.array([elements], np.int64), "size")],
    )


def sequence() -> onnx.ModelProto:
    """Gives y as a sequence of tensors, which the protocol cannot carry."""
    model = identity("FP32")
    del model.graph.node[:], model.graph.output[:]
    model.graph.node.append(helper.make_node("SequenceConstruct", ["x"], ["y"]))
    model.graph.output.append(
        helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, ["N", 2])
    )
    return model


def _info(name: str, datatype: str, shape: Shape) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, ONNX_TYPES[datatype], list(shape))
