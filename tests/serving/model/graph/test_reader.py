"""What the server reads of a graph, held against the `onnx` package."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from modelserver.errors import ModelMalformed
from modelserver.model.graph import reader
from modelserver.model.graph.parts import (
    MANY,
    Declared,
    ModelFile,
    Node,
    NodeGraph,
    Reference,
    Tensor,
    Unread,
)
from scratch import PROJECT
from tests.serving import onnx_models
from tests.serving.model.graph.standard import node_tests

Proto = Any  # protobuf messages carry no types here

_NUMBERS = {
    *(TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.BOOL),
    *(TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64),
    *(TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64),
}
_FIELDS = {
    AttributeProto.FLOAT: "f",
    AttributeProto.INT: "i",
    AttributeProto.STRING: "s",
    AttributeProto.TENSOR: "t",
    AttributeProto.GRAPH: "g",
    AttributeProto.FLOATS: "floats",
    AttributeProto.INTS: "ints",
    AttributeProto.STRINGS: "strings",
    AttributeProto.TENSORS: "tensors",
    AttributeProto.GRAPHS: "graphs",
}


def expected_model(proto: Proto) -> ModelFile:
    """The parts of a model as `onnx` reads it."""
    return ModelFile(
        proto.ir_version,
        {_domain(each.domain): each.version for each in proto.opset_import},
        expected_graph(proto.graph),
        {},
    )


def expected_graph(proto: Proto) -> NodeGraph:
    """The parts of a graph as `onnx` reads it."""
    inputs = tuple(map(_declared, proto.input))
    outputs = tuple(map(_declared, proto.output))
    between = [_declared(each) for each in proto.value_info]
    return NodeGraph(
        proto.name,
        tuple(map(_node, proto.node)),
        inputs,
        outputs,
        {each.name: _tensor(each) for each in proto.initializer},
        {each.name: each for each in (*between, *outputs, *inputs)},
    )


def _node(proto: Proto) -> Node:
    return Node(
        _domain(proto.domain),
        proto.op_type,
        proto.name,
        tuple(proto.input),
        tuple(proto.output),
        {each.name: _attribute(each) for each in proto.attribute},
        proto.overload,
    )


def _attribute(proto: Proto) -> Any:  # noqa: ANN401 - of any kind
    if proto.type not in _FIELDS:
        return Unread(proto.type)
    value = getattr(proto, _FIELDS[proto.type])
    if isinstance(value, float | int):
        return value
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, TensorProto):
        return _tensor(value)
    if isinstance(value, onnx.GraphProto):
        return expected_graph(value)
    made: dict[type, Any] = {bytes: bytes.decode, TensorProto: _tensor}
    return tuple(made.get(type(one), lambda same: same)(one) for one in value)


def _tensor(proto: Proto) -> Tensor:
    size = int(np.prod(proto.dims, dtype=np.int64))
    values = None
    if proto.data_type in _NUMBERS and size <= MANY:
        values = tuple(numpy_helper.to_array(proto).ravel().tolist())
    return Tensor(proto.name, proto.data_type, tuple(proto.dims), values)


def _declared(proto: Proto) -> Declared:
    if not proto.type.HasField("tensor_type"):
        return Declared(proto.name)
    tensor = proto.type.tensor_type
    shape = None
    if tensor.HasField("shape"):
        shape = tuple(
            each.dim_value if each.HasField("dim_value") else each.dim_param or None
            for each in tensor.shape.dim
        )
    return Declared(proto.name, tensor.elem_type, shape)


def _domain(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain


def test_every_model_of_the_standards_node_tests_is_read() -> None:
    """Of more than a thousand models no field is read otherwise than the package reads it."""
    cases = node_tests()
    pairs = {
        case.name: (reader.read_bytes(case.model.SerializeToString()), expected_model(case.model))
        for case in cases
    }
    different = [  # as text, NaN is like NaN
        name
        for name, (found, expected) in pairs.items()
        if found != expected and repr(found) != repr(expected)
    ]

    assert [] == different
    assert len(cases) > 1000


@pytest.mark.parametrize("path", sorted((PROJECT / "examples/artifacts").glob("*/*.onnx")), ids=str)
def test_every_sample_model_is_read(path: Path) -> None:
    """Exported models are read as the package reads them, weights left out."""
    assert expected_model(onnx.load(path)) == reader.read(path)


def test_names_for_the_standards_domain_are_one() -> None:
    """`ai.onnx` is the domain that others call by no name."""
    model = onnx_models.identity("FP32")
    model.graph.node[0].domain = "ai.onnx"
    model.opset_import[0].domain = "ai.onnx"

    found = reader.read_bytes(model.SerializeToString())

    assert ({"": 17}, "") == (found.opsets, found.graph.nodes[0].domain)


def _tensors() -> Iterator[Proto]:
    numbers: Mapping[int, list[float]] = {
        TensorProto.FLOAT: [0.5, -1, 3],
        TensorProto.DOUBLE: [0.5, -1, 3],
        TensorProto.INT8: [-128, 0, 127],
        TensorProto.INT64: [-(1 << 63), 0, (1 << 63) - 1],
        TensorProto.UINT64: [0, 1, (1 << 63) - 1],
        TensorProto.UINT32: [0, 1, (1 << 32) - 1],
        TensorProto.BOOL: [1, 0, 1],
    }
    for kind, values in numbers.items():
        yield helper.make_tensor("t", kind, [3], values)
        raw = np.array(values, helper.tensor_dtype_to_np_dtype(kind)).tobytes()
        yield helper.make_tensor("t", kind, [1, 3], raw, raw=True)


@pytest.mark.parametrize("tensor", list(_tensors()), ids=lambda each: str(each.data_type))
def test_small_tensors_have_their_values(tensor: Proto) -> None:
    """Whether numbers lie in the field of their type or as raw bytes, they are the same."""
    model = onnx_models.identity("FP32")
    model.graph.initializer.append(tensor)

    found = reader.read_bytes(model.SerializeToString()).graph.initializers["t"]

    assert tuple(numpy_helper.to_array(tensor).ravel().tolist()) == found.values


def test_large_tensors_have_none() -> None:
    """Weights are not read."""
    model = onnx_models.deep(1, 33)

    found = reader.read_bytes(model.SerializeToString()).graph.initializers["w0"]

    assert ((33, 33), None) == (found.dims, found.values)


@pytest.mark.parametrize("number", [1, 17, 18, 100, 1000])
def test_long_lists_are_read(number: int) -> None:
    """Numbers that follow each other are read at once, and are what they were."""
    numbers = [(-1) ** each * 3**each % (1 << 40) for each in range(number)]
    model = onnx_models.identity("FP32")
    made = helper.make_node("Mystery", [], ["m"], ints=numbers, floats=[0.5] * number, last=7)
    model.graph.node.append(made)

    found = reader.read_bytes(model.SerializeToString()).graph.nodes[1].attributes

    assert {"ints": tuple(numbers), "floats": (0.5,) * number, "last": 7} == found


def test_lists_of_trees_are_not_read() -> None:
    """Millions of numbers that no proof needs cost neither time nor memory."""
    model = onnx_models.identity("FP32")
    model.graph.node.append(
        helper.make_node("Trees", [], ["m"], ints=[1 << 40] * 10000, floats=[0.5] * 10000)
    )

    found = reader.read_bytes(model.SerializeToString()).graph.nodes[1].attributes

    assert {"ints": Unread(7), "floats": Unread(6)} == found


def test_inner_graphs_and_functions_are_read() -> None:
    """A node in a branch and a node in a function have attributes, inputs and outputs."""
    branch = helper.make_graph([helper.make_node("Relu", ["x"], ["z"])], "branch", [], [])
    body = helper.make_node("LeakyRelu", ["a"], ["b"])
    body.attribute.add(name="alpha", ref_attr_name="slope", type=AttributeProto.FLOAT)
    slope = helper.make_attribute("slope", 0.5)
    model = onnx_models.identity("FP32")
    model.graph.node.append(helper.make_node("If", ["c"], ["w"], then_branch=branch))
    model.functions.append(
        helper.make_function(
            "own", "leak", ["a"], ["b"], [body], model.opset_import, ["other"], [slope]
        )
    )

    found = reader.read_bytes(model.SerializeToString())
    function = found.functions["own", "leak", ""]

    assert [expected_graph(branch)] == list(found.graph.nodes[1].graphs)
    assert {"other": None, "slope": 0.5} == function.attributes
    assert {"alpha": Reference("slope")} == function.nodes[0].attributes
    assert ({"": 17}, ("a",), ("b",)) == (function.opsets, function.inputs, function.outputs)


def test_every_truncation_is_refused_or_read() -> None:
    """Whatever the bytes, the error is one that names the model, and nothing else."""
    content = onnx_models.affine().SerializeToString()

    for size in range(len(content)):
        try:
            reader.read_bytes(content[:size])
        except ModelMalformed:
            continue


@pytest.mark.parametrize(
    "content", [b"", b"\x08\x08", onnx_models.affine().SerializeToString() * 2]
)
def test_one_graph_is_expected(content: bytes) -> None:
    """A file without a graph, or with two, is no model."""
    with pytest.raises(ModelMalformed, match="graphs in the artifact, expected one"):
        reader.read_bytes(content)
