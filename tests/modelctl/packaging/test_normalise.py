"""ONNX files become such that a model server takes them; what they answer stays the same."""

import os
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

import onnx_models
from modelctl.errors import UsageError
from modelctl.model.graph import artifact_facts
from modelctl.packaging.normalise import normalise

_MODELS = Path(__file__).parent / "models"
_RELU = onnx_models.model(onnx_models.node("Relu", "x", "y"))


def _run(content: bytes, feeds: dict[str, np.ndarray]) -> list[object]:
    session = onnxruntime.InferenceSession(content)
    found: list[object] = session.run(None, feeds)
    return found


@pytest.mark.parametrize("name", ["zipmap-numbers", "zipmap-texts", "forest"])
def test_gives_probabilities_as_a_tensor(name: str) -> None:
    """The columns hold what the maps held under their classes, in that order."""
    path = _MODELS / f"{name}.onnx"
    feeds = {"X": np.array([[5.1, 3.5, 1.4, 0.2], [6, 3, 5, 2]], np.float32)}

    found = normalise(path, tidy=False)

    labels, maps = _run(path.read_bytes(), feeds)
    after, numbers = _run(found.content, feeds)
    assert labels.tolist() == after.tolist()
    assert [list(each.values()) for each in maps] == numbers.tolist()
    assert "output_probability: the list of maps" in found.changes[0]
    assert not artifact_facts("", found.content).problem


@pytest.mark.parametrize(
    "nodes",
    [
        [onnx_models.node("SequenceConstruct", "a b", "s")],
        [
            onnx_models.node("SequenceEmpty", "", "e"),
            onnx_models.node("SequenceInsert", "e a", "f"),
            onnx_models.node("SequenceInsert", "f b", "s"),
        ],
    ],
)
def test_gives_a_sequence_as_the_tensors_it_is_made_of(nodes: list[onnx.NodeProto]) -> None:
    """A list that an exporter writes becomes one output for each of its parts."""
    sequence = helper.make_tensor_sequence_value_info("s", TensorProto.FLOAT, None)
    model = onnx_models.model(
        onnx_models.node("Relu", "x", "a"),
        onnx_models.node("Neg", "x", "b"),
        *nodes,
        outputs=[sequence],
    )

    found = normalise(model.SerializeToString())

    x = np.array([[-1, 0, 1, 2]], np.float32)
    relu, neg = _run(found.content, {"x": x})
    assert np.maximum(x, 0).tolist() == relu.tolist()
    assert (-x).tolist() == neg.tolist()
    graph = artifact_facts("", found.content).graph
    assert graph is not None
    assert ["s_0", "s_1"] == [each.name for each in graph.outputs]


def test_refuses_an_output_that_cannot_be_a_tensor_with_the_option_to_set() -> None:
    """Where the graph does not say of what a sequence is made, the exporter has to."""
    sequence = helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, None)
    model = onnx_models.model(
        onnx_models.node("SequenceErase", "x", "y"),
        inputs=[helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, None)],
        outputs=[sequence],
    )

    with pytest.raises(UsageError, match=r"has the output 'y', which is a sequence.*zipmap"):
        normalise(model.SerializeToString())


def _beside(folder: Path, **options: object) -> Path:
    """A model whose weights lie beside it, as `torch.onnx.export` writes them."""
    weights = onnx.numpy_helper.from_array(np.arange(400, dtype=np.float32).reshape(4, 100), "w")
    model = onnx_models.model(
        onnx_models.node("MatMul", "x w", "y"),
        outputs=[onnx_models.value("y", shape=("N", 100))],
        tensors=[weights],
    )
    path = folder / "f.onnx"
    onnx.save(
        model,
        path,
        save_as_external_data=True,
        location="f.onnx.data",
        size_threshold=0,
        **options,
    )
    return path


def test_brings_weights_beside_the_file_into_it(tmp_path: Path) -> None:
    """One digest then covers the model, and it answers as before."""
    path = _beside(tmp_path)

    found = normalise(path, tidy=False)

    x = np.ones((2, 4), np.float32)
    before = onnxruntime.InferenceSession(path).run(None, {"x": x})[0]
    assert before.tolist() == _run(found.content, {"x": x})[0].tolist()
    assert not artifact_facts("", found.content).problem
    assert "f.onnx.data" in found.changes[0]


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("../secret", "expected a file in its own folder"),
        ("/etc/hostname", "expected a file in its own folder"),
        ("a/../../secret", "expected a file in its own folder"),
        ("C:\\secret", "expected a file in its own folder"),
        ("link", "no plain file"),
        ("links/secret", "no plain file"),
        ("pipe", "no plain file"),
        ("gone", "not beside it"),
        ("short", "cut short"),
    ],
)
def test_opens_plain_files_of_its_own_folder_alone(
    location: str, words: str, tmp_path: Path
) -> None:
    """What an ONNX file names is anybody's word: no way leads out of its folder."""
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(bytes(1600))
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "links").symlink_to(tmp_path)
    (folder / "short").write_bytes(bytes(10))
    os.mkfifo(folder / "pipe")
    path = _beside(folder)
    model = onnx.load(path, load_external_data=False)
    model.graph.initializer[0].external_data[0].value = location
    path.write_bytes(model.SerializeToString())

    with pytest.raises(UsageError, match=words):
        normalise(path)


def test_refuses_weights_of_which_a_part_is_said_to_be_larger_than_the_tensor(
    tmp_path: Path,
) -> None:
    """What is read is bounded by the shape, whatever length the file says."""
    path = _beside(tmp_path)
    model = onnx.load(path, load_external_data=False)
    entry = next(e for e in model.graph.initializer[0].external_data if e.key == "length")
    entry.value = "1000000"
    path.write_bytes(model.SerializeToString())

    with pytest.raises(UsageError, match="expected 1600 for its shape"):
        normalise(path)


def test_refuses_weights_that_bytes_alone_cannot_bring() -> None:
    """Bytes have no folder in which other files could lie."""
    model = onnx.ModelProto.FromString(_RELU.SerializeToString())
    tensor = model.graph.initializer.add(name="w", data_type=1, dims=[1], data_location=1)
    tensor.external_data.add(key="location", value="w.bin")

    with pytest.raises(UsageError, match="in another file"):
        normalise(model.SerializeToString())


@pytest.mark.parametrize("locale", [{}, {"locale": "en_US"}])
def test_changes_texts_by_a_locale_that_every_server_has(locale: dict[str, str]) -> None:
    """Images of servers have none of a language, and the model would not load there."""
    lower = onnx_models.node(
        "StringNormalizer", "x", "y", case_change_action="LOWER", is_case_sensitive=0, **locale
    )
    model = onnx_models.model(
        lower,
        inputs=[onnx_models.value("x", TensorProto.STRING, ("N",))],
        outputs=[onnx_models.value("y", TensorProto.STRING, ("N",))],
    )

    found = normalise(model.SerializeToString(), tidy=False)

    (texts,) = _run(found.content, {"x": np.array(["ÄPFEL", "Good"], object)})
    assert ["äpfel", "good"] == texts.tolist()


def test_leaves_a_file_that_needs_nothing_as_it_is() -> None:
    """Its digest is then the one that people know."""
    content = _RELU.SerializeToString()

    found = normalise(content, tidy=False)

    assert content == found.content
    assert () == found.changes


def test_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    """The digest of a release does not depend on when it was made, or from which bytes."""
    path = _beside(tmp_path)

    once = normalise(path).content

    assert once == normalise(path).content
    assert once == normalise(once).content


def test_keeps_the_version_that_counts_of_an_operator_set_declared_twice() -> None:
    """ONNX Runtime goes by the last, and so does the file that declares it once."""
    model = onnx.ModelProto.FromString(_RELU.SerializeToString())
    model.opset_import.add(domain="ai.onnx", version=14)

    found = onnx.ModelProto.FromString(normalise(model.SerializeToString()).content)

    assert [("", 14)] == [(each.domain, each.version) for each in found.opset_import]


@pytest.mark.parametrize(("ir_version", "opset"), [(20, 17), (3, 5), (3, 6)])
def test_brings_versions_to_those_that_are_loaded(ir_version: int, opset: int) -> None:
    """A file format that is too new, and operators that are too old, are converted."""
    model = onnx_models.model(
        onnx_models.node("Relu", "x", "y"), ir_version=ir_version, opsets={"": opset}
    )

    found = normalise(model.SerializeToString(), tidy=False)

    assert found.changes
    graph = artifact_facts("", found.content).graph
    assert graph is not None
    assert graph.ir_version <= 13
    assert graph.opsets["ai.onnx"] >= 7
    assert [[0, 1]] == _run(found.content, {"x": np.array([[-1, 1, 0, 0]], np.float32)})[0][
        :, :2
    ].tolist()


def test_removes_paths_of_the_machine_that_exported() -> None:
    """A stack trace with a person's folder is nothing that a release should carry."""
    model = onnx.ModelProto.FromString(_RELU.SerializeToString())
    model.graph.node[0].doc_string = 'File "/home/ann/train.py", line 3'
    model.graph.node[0].metadata_props.add(key="stack", value="at (/home/ann/train.py:3)")
    model.metadata_props.add(key="names", value="{0: 'cat'}")

    found = normalise(model.SerializeToString(), tidy=False)

    assert b"ann" not in found.content
    assert b"cat" in found.content


def test_frees_the_size_of_a_label_that_is_declared_for_one_row() -> None:
    """LightGBM's converter declares one label however many rows there are."""
    model = onnx.load(_MODELS / "zipmap-numbers.onnx")
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 1

    found = normalise(model.SerializeToString())

    graph = artifact_facts("", found.content).graph
    assert graph is not None
    assert (-1,) == graph.outputs[0].shape


@pytest.mark.parametrize(
    ("first", "named"), [("unk__7", "batch"), (None, "batch"), ("N", "N"), (1, 1)]
)
def test_names_the_first_dimension_where_nothing_says_what_it_is(
    first: str | int | None, named: str | int
) -> None:
    """A name that says something stays, and a fixed size does."""
    model = onnx_models.model(
        onnx_models.node("Relu", "x", "y"),
        inputs=[onnx_models.value("x", shape=(first, 4))],
        outputs=[onnx_models.value("y", shape=(first, 4))],
    )

    found = onnx.ModelProto.FromString(normalise(model.SerializeToString()).content)

    size = found.graph.input[0].type.tensor_type.shape.dim[0]
    assert named == (size.dim_param or size.dim_value)


def test_refuses_what_is_no_onnx_file() -> None:
    """Damaged bytes are told of, and end nothing."""
    with pytest.raises(UsageError, match="is truncated or is not an ONNX file"):
        normalise(b"\xff\xff")
