import random
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from modelserver.artifact.self_contained import check, check_bytes
from modelserver.errors import ModelMalformed, ModelNotSelfContained
from tests.serving import onnx_models


def external(name: str = "w") -> TensorProto:
    """A tensor whose bytes lie in another file."""
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), name)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    tensor.external_data.add(key="location", value="../weights.bin")
    return tensor


def with_initializer() -> onnx.ModelProto:
    """External data where exporters put it."""
    model = onnx_models.affine()
    model.graph.initializer.append(external())
    return model


def with_constant_in_branch() -> onnx.ModelProto:
    """External data in a constant, in a branch of a node."""
    constant = helper.make_node("Constant", [], ["c"], value=external())
    branch = helper.make_graph([constant], "branch", [], [])
    model = onnx_models.affine()
    model.graph.node.append(
        helper.make_node("If", ["x"], ["z"], then_branch=branch, else_branch=branch)
    )
    return model


def with_sparse_tensor() -> onnx.ModelProto:
    """External data in the values of a sparse initializer."""
    model = onnx_models.affine()
    model.graph.sparse_initializer.add().values.CopyFrom(external())
    return model


def with_function() -> onnx.ModelProto:
    """External data in a constant of a function."""
    model = onnx_models.affine()
    constant = helper.make_node("Constant", [], ["c"], value=external())
    model.functions.append(
        helper.make_function("local", "f", [], ["c"], [constant], model.opset_import)
    )
    return model


def with_location_only() -> onnx.ModelProto:
    """A tensor that says external without saying where."""
    model = onnx_models.affine()
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    return model


@pytest.mark.parametrize(
    "build",
    [
        with_initializer,
        with_constant_in_branch,
        with_sparse_tensor,
        with_function,
        with_location_only,
    ],
)
def test_external_data_is_found_wherever_a_tensor_can_lie(build: object) -> None:
    """No place in a model is overlooked."""
    model = build()  # type: ignore[operator]

    with pytest.raises(ModelNotSelfContained, match="external data"):
        check_bytes(model.SerializeToString())


def test_external_data_is_found_in_a_run_of_fields() -> None:
    """A tensor that says many times where it lies does not hide it."""
    tensor = b"\x70\x01" * 40  # data_location: EXTERNAL
    graph = b"\x2a" + bytes([len(tensor)]) + tensor

    with pytest.raises(ModelNotSelfContained, match="external data"):
        check_bytes(b"\x3a" + bytes([len(graph)]) + graph)


def test_compiled_engine_is_refused() -> None:
    """A node that holds or names a compiled engine would run code nobody verified."""
    model = onnx_models.affine()
    model.graph.node.append(helper.make_node("EPContext", [], ["z"], domain="com.microsoft"))

    with pytest.raises(ModelNotSelfContained, match="EPContext"):
        check_bytes(model.SerializeToString())


def test_plain_models_pass(tmp_path: Path) -> None:
    """A model in one file is accepted, from a file as well."""
    for model in (onnx_models.affine(), onnx_models.total(), onnx_models.sequence()):
        path = tmp_path / "model.onnx"
        path.write_bytes(model.SerializeToString())

        check(path)


def test_every_truncation_is_found_or_harmless() -> None:
    """A model cut anywhere is malformed, or is still a whole model that names no other file."""
    content = onnx_models.affine().SerializeToString()
    refused = 0
    for size in range(len(content)):
        try:
            check_bytes(content[:size])
        except ModelMalformed:
            refused += 1

    assert refused >= len(content) - 3  # cuts between two fields at the top leave a shorter model


def test_empty_file(tmp_path: Path) -> None:
    """An empty file is told apart from a strange one."""
    path = tmp_path / "model.onnx"
    path.touch()

    with pytest.raises(ModelMalformed, match="empty"):
        check(path)


def test_noise_never_breaks_the_walk() -> None:
    """Whatever the bytes, the only outcome is an error of ours or none."""
    source = random.Random(3)  # noqa: S311 - reproducible noise
    whole = onnx_models.affine().SerializeToString()
    for _ in range(500):
        content = bytearray(whole)
        for _ in range(4):
            content[source.randrange(len(content))] = source.randrange(256)
        try:
            check_bytes(bytes(content))
        except (ModelMalformed, ModelNotSelfContained) as error:
            assert str(error)  # noqa: PT017 - either outcome is right


def test_deep_nesting_is_bounded() -> None:
    """Graphs within graphs end at the depth where protobuf's parsers end."""
    content = b""
    for _ in range(2000):
        attribute = b"\x32" + _varint(len(content)) + content
        node = b"\x2a" + _varint(len(attribute)) + attribute
        content = b"\x0a" + _varint(len(node)) + node
    model = b"\x3a" + _varint(len(content)) + content

    with pytest.raises(ModelMalformed, match="deep"):
        check_bytes(model)


def _varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])
