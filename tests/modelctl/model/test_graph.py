"""What an ONNX file declares, read from real files, and what no server could take."""

import hashlib
from collections.abc import Callable
from typing import Any

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from modelctl.model import contained
from modelctl.model.graph import artifact_facts, read_graph
from modelctl.model.tensors import Graph, TensorSpec
from scratch import PROJECT

LINEAR = (PROJECT / "examples/artifacts/linear/r1.onnx").read_bytes()
Change = Callable[[Any], object]  # of a protobuf message, which carries no types


def _model() -> Any:  # noqa: ANN401 - a protobuf message carries no types
    """The sum of an input and a constant, with two inputs of which one has a default."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, None])
    default = helper.make_tensor_value_info("bias", TensorProto.FLOAT, [1])
    total = helper.make_tensor_value_info("total", TensorProto.FLOAT, ["batch", 1, None])
    bias = helper.make_tensor("bias", TensorProto.FLOAT, [1], [0.5])
    node = helper.make_node("Add", ["image", "bias"], ["total"])
    graph = helper.make_graph([node], "g", [image, default], [total], [bias])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def _keep_outside(tensor: Any) -> None:  # noqa: ANN401 - a protobuf message carries no types
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def test_a_graph_is_read() -> None:
    """Versions, and tensors with -1 for any size; an input with a default is none."""
    spec = {"datatype": "FP32", "shape": (-1, 1, -1)}

    assert Graph(
        ir_version=8,
        opsets={"ai.onnx": 17, "com.microsoft": 1},
        inputs=(TensorSpec(name="image", **spec),),  # type: ignore[arg-type]  # of the mapping above
        outputs=(TensorSpec(name="total", **spec),),  # type: ignore[arg-type]  # of the mapping above
    ) == read_graph(_model().SerializeToString())


def test_facts_of_a_sample() -> None:
    """A committed sample has its digest, its size and its graph."""
    facts = artifact_facts("linear.onnx", LINEAR)

    assert hashlib.sha256(LINEAR).hexdigest() == facts.sha256
    assert len(LINEAR) == facts.size_bytes
    assert facts.graph is not None
    assert (TensorSpec("x", "FP32", (-1, 1)),) == facts.graph.inputs
    assert facts.problem == ""


@pytest.mark.parametrize(
    ("element", "datatype"),
    [
        (TensorProto.STRING, "BYTES"),
        (TensorProto.FLOAT16, "FP16"),
        (TensorProto.BFLOAT16, "BF16"),
        (TensorProto.DOUBLE, "FP64"),
        (TensorProto.BOOL, "BOOL"),
        (TensorProto.UINT64, "UINT64"),
    ],
)
def test_datatypes_of_the_protocol(element: int, datatype: str) -> None:
    """Element types have the names of the Open Inference Protocol."""
    model = _model()
    model.graph.output[0].type.tensor_type.elem_type = element

    assert datatype == read_graph(model.SerializeToString()).outputs[0].datatype


def test_a_scalar_has_no_dimensions() -> None:
    """A shape without dimensions is that of a scalar."""
    model = _model()
    del model.graph.output[0].type.tensor_type.shape.dim[:]

    assert read_graph(model.SerializeToString()).outputs[0].shape == ()


def _nested(model: Any) -> Any:  # noqa: ANN401 - a protobuf message carries no types
    inner = helper.make_graph([], "inner", [], [])
    inner.initializer.append(helper.make_tensor("deep", TensorProto.FLOAT, [1], [1.0]))
    branch = helper.make_node("If", ["image"], ["total"], then_branch=inner)
    model.graph.node.append(branch)
    return model.graph.node[-1].attribute[0].g.initializer[0]


def _constant(model: Any) -> Any:  # noqa: ANN401 - a protobuf message carries no types
    value = helper.make_tensor("constant", TensorProto.FLOAT, [1], [1.0])
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=value))
    return model.graph.node[-1].attribute[0].t


def _sparse_constant(model: Any) -> Any:  # noqa: ANN401 - a protobuf message carries no types
    values = helper.make_tensor("sparse", TensorProto.FLOAT, [1], [1.0])
    indices = helper.make_tensor("indices", TensorProto.INT64, [1], [0])
    value = helper.make_sparse_tensor(values, indices, [4])
    model.graph.node.append(helper.make_node("Constant", [], ["c"], sparse_value=value))
    return model.graph.node[-1].attribute[0].sparse_tensor.values


def _sparse_list(model: Any) -> Any:  # noqa: ANN401 - a protobuf message carries no types
    attribute = model.graph.node[0].attribute.add(name="many")
    return attribute.sparse_tensors.add().indices


def _in_training(model: Any) -> Any:  # noqa: ANN401 - a protobuf message carries no types
    return model.training_info.add().algorithm.initializer.add()


def _in_function(model: Any) -> Any:  # noqa: ANN401 - a protobuf message carries no types
    return model.functions.add().attribute_proto.add(name="given").t


def _sparse(model: Any) -> Any:  # noqa: ANN401 - a protobuf message carries no types
    values = helper.make_tensor("sparse", TensorProto.FLOAT, [1], [1.0])
    indices = helper.make_tensor("indices", TensorProto.INT64, [1], [0])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [4]))
    return model.graph.sparse_initializer[0].values


@pytest.mark.parametrize(
    "tensor",
    [
        lambda model: model.graph.initializer[0],
        *(_nested, _constant, _sparse, _sparse_constant, _sparse_list, _in_training, _in_function),
    ],
    ids=[
        "initializer",
        "inner",
        "constant",
        "sparse",
        "sparse constant",
        "list",
        "training",
        "own",
    ],
)
def test_external_data_is_refused_wherever_it_is(tensor: Change) -> None:
    """A tensor that is kept in another file is a problem, however deep it lies."""
    model = _model()
    _keep_outside(tensor(model))
    facts = artifact_facts("a.onnx", model.SerializeToString())

    assert facts.graph is None
    assert "in another file, whose bytes no digest pins" in facts.problem


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda m: m.graph.ClearField("output"), "has no outputs"),
        (lambda m: m.ClearField("opset_import"), "no opset"),
        (lambda m: m.graph.node.add(op_type="EPContext"), "a compiled engine"),
        (
            lambda m: m.graph.output[0].type.tensor_type.ClearField("shape"),
            "'total' without a shape",
        ),
        (
            lambda m: setattr(m.graph.output[0].type.tensor_type, "elem_type", 17),
            "'total' with the element type 17",
        ),
        (
            lambda m: m.graph.output[0].CopyFrom(
                helper.make_value_info(
                    "many", helper.make_sequence_type_proto(helper.make_tensor_type_proto(1, []))
                )
            ),
            "'many', which is a sequence",
        ),
    ],
)
def test_what_no_server_takes(change: Change, problem: str) -> None:
    """A model that cannot be served is a problem that names the part."""
    model = _model()
    change(model)
    facts = artifact_facts("a.onnx", model.SerializeToString())

    assert facts.graph is None
    assert problem in facts.problem


def test_what_the_runtime_refuses_is_a_problem() -> None:
    """A file that ONNX Runtime would not load has no graph, and the reason instead."""
    model = _model()
    model.graph.node[0].op_type = "Foo"
    facts = artifact_facts("a.onnx", model.SerializeToString())

    assert facts.graph is None
    assert facts.problem.startswith("calls the operator Foo of ai.onnx 17")


def test_what_the_cpu_cannot_run_is_a_problem_there_alone() -> None:
    """A node that has no kernel on the CPU may have one on a GPU."""
    model = _model()
    for tensor in (model.graph.input[0], model.graph.input[1], model.graph.output[0]):
        tensor.type.tensor_type.elem_type = TensorProto.BFLOAT16
    model.graph.initializer[0].CopyFrom(
        helper.make_tensor("bias", TensorProto.BFLOAT16, [1], [0.5])
    )
    model.graph.node[0].op_type = "Mod"
    facts = artifact_facts("a.onnx", model.SerializeToString())

    assert facts.graph is not None
    assert "has no CPU kernel" in facts.problem_with(["cpu"])
    assert facts.problem_with(["cuda", "cpu"]) == ""


def test_a_file_that_ends_its_reader_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file over which the child ends has facts all the same, and they say so."""

    def ended(*_: object) -> str:
        raise contained.ContainedError("SIGSEGV")

    monkeypatch.setattr(contained, "call", ended)
    facts = artifact_facts("a.onnx", b"")

    assert facts.graph is None
    assert "ends the process that reads it (SIGSEGV)" in facts.problem


def test_left_over_imports_are_no_needs() -> None:
    """A domain that no node uses, or that the file defines itself, is not one to bring."""
    model = _model()
    model.opset_import.extend([helper.make_opsetid("unused", 1), helper.make_opsetid("own", 1)])
    model.graph.node.append(helper.make_node("Twice", ["total"], ["t"], domain="own"))
    twice = helper.make_node("Add", ["x", "x"], ["y"])
    opset = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("own", "Twice", ["x"], ["y"], [twice], opset))

    assert {"ai.onnx", "com.microsoft"} == set(read_graph(model.SerializeToString()).opsets)


def test_custom_operators_are_needs() -> None:
    """A domain of which a node is used has to be known, also in an inner graph."""
    model = _model()
    inner = helper.make_graph([helper.make_node("Foo", [], [], domain="custom")], "i", [], [])
    model.graph.node.append(helper.make_node("If", ["image"], ["t"], then_branch=inner))
    model.opset_import.append(helper.make_opsetid("custom", 3))

    assert 3 == read_graph(model.SerializeToString()).opsets["custom"]


@pytest.mark.parametrize("length", [0, 1, 50, len(LINEAR) - 1])
def test_a_truncated_file_is_a_problem(length: int) -> None:
    """A file that ends early is a problem, whatever is left of it."""
    assert artifact_facts("a.onnx", LINEAR[:length]).problem


@given(st.binary(max_size=100) | st.integers(0, len(LINEAR) - 1).map(lambda at: LINEAR[at:]))
def test_any_bytes_have_facts(content: bytes) -> None:
    """Whatever the bytes are, there is a graph or a problem."""
    facts = artifact_facts("a.onnx", content)

    assert (facts.graph is None) == bool(facts.problem)


def test_onnx_agrees() -> None:
    """The sample that is read here is one that ONNX's own checker admits."""
    onnx.checker.check_model(onnx.load_from_string(LINEAR), full_check=True)
