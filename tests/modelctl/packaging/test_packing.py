"""From a source to a package: ONNX files, joined graphs, golden files, refusals."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from modelctl.errors import EditRefusedError, UsageError
from modelctl.model.golden import golden_problem
from modelctl.model.graph import read_graph
from modelctl.model.tensors import Contract, TensorSpec
from modelctl.packaging import original, packing, running
from modelctl.packaging.packing import Wish, package
from tests.modelctl.packaging import nets

ROWS = {"x": nets.rows(40)}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An ONNX file with its weights in a file beside it."""
    path = tmp_path / "model.onnx"
    onnx.save(
        onnx.load_from_string(nets.network(20)),
        path,
        save_as_external_data=True,
        location="model.onnx.data",
        size_threshold=0,
    )
    return path


def test_packages_an_onnx_file(source: Path) -> None:
    """Weights are brought in, rows are found, and the file as it came is the original."""
    made = package(Wish(source))

    assert "answers as the original does: 256 rows, largest difference 0" in made.lines
    np.testing.assert_array_equal(
        running.run(source, ROWS)["scores"], running.run(made.model, ROWS)["scores"]
    )
    assert original.digest(source) == made.provenance["source_sha256"]


def test_writes_a_golden_file_that_a_server_takes(source: Path, tmp_path: Path) -> None:
    """Sixteen of the given rows, with the model's answers, in the server's form."""
    np.savez(tmp_path / "rows.npz", x=ROWS["x"])
    made = package(Wish(source, samples=tmp_path / "rows.npz"))
    graph = read_graph(made.model)
    document = json.loads(made.golden or b"")

    assert "" == golden_problem(made.golden or b"", Contract(graph.inputs, graph.outputs))
    (case,) = document["cases"]
    assert [16, 6] == case["inputs"][0]["shape"]
    np.testing.assert_array_equal(
        ROWS["x"][:16], np.array(case["inputs"][0]["data"], np.float32).reshape(16, 6)
    )


def test_takes_the_names_of_the_contract(source: Path) -> None:
    """A model whose contract has other names for the same tensors gets those."""
    wanted = Contract(
        (TensorSpec("features", "FP32", (-1, 6)),), (TensorSpec("classes", "FP32", (-1, 3)),)
    )
    made = package(Wish(source), wanted)
    graph = read_graph(made.model)

    assert wanted == Contract(graph.inputs, graph.outputs)
    assert "named as the contract says: x is now features, scores is now classes" in made.lines


def steps(path: Path, node: onnx.NodeProto, ends: list[tuple[str, int, int | None]]) -> Path:
    """A graph of one node; ends are name, element type and width."""
    values = [
        helper.make_tensor_value_info(name, kind, ["n", width] if width else ["n"])
        for name, kind, width in ends
    ]
    graph = helper.make_graph([node], "step", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    onnx.save(model, path)
    return path


def test_joins_graphs_before_and_after(source: Path, tmp_path: Path) -> None:
    """Bytes in, label out: older operator sets are raised, equal names stay apart, and it holds."""
    cast = helper.make_node("Cast", ["x"], ["values"], to=TensorProto.FLOAT)
    before = steps(tmp_path / "before.onnx", cast,
                   [("x", TensorProto.UINT8, 6), ("values", TensorProto.FLOAT, 6)])  # fmt: skip
    best = helper.make_node("ArgMax", ["h"], ["label"], axis=1, keepdims=0)
    after = steps(tmp_path / "after.onnx", best,
                  [("h", TensorProto.FLOAT, 3), ("label", TensorProto.INT64, None)])  # fmt: skip
    made = package(Wish(source, before=before, after=after))
    pixels = np.random.default_rng(0).integers(0, 255, (9, 6)).astype(np.uint8)
    graph = read_graph(made.model)

    assert [("x", "UINT8")] == [(each.name, each.datatype) for each in graph.inputs]
    assert [("label", "INT64")] == [(each.name, each.datatype) for each in graph.outputs]
    np.testing.assert_array_equal(
        running.run(source, {"x": pixels.astype(np.float32)})["scores"].argmax(axis=1),
        running.run(made.model, {"x": pixels})["label"],
    )


def test_refuses_graphs_that_do_not_fit(source: Path, tmp_path: Path) -> None:
    """Two graphs without a common name, and more than one output, are not guessed together."""
    split = helper.make_node("Split", ["in"], ["a", "b"], axis=1)
    before = steps(tmp_path / "before.onnx", split, [
        ("in", TensorProto.FLOAT, 12), ("a", TensorProto.FLOAT, 6), ("b", TensorProto.FLOAT, 6),
    ])  # fmt: skip

    with pytest.raises(UsageError, match="gives a, b and a second that takes x"):
        package(Wish(source, before=before))


def test_refuses_what_answers_in_another_way(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a row differs, nothing is written, and the worst rows are shown."""
    other = nets.network(20, is_split=True)
    monkeypatch.setattr(
        packing.original,
        "of_onnx",
        lambda *_: original.Original(other, ROWS, running.run(source, ROWS), 0, {}, ()),
    )

    with pytest.raises(EditRefusedError, match="rows are answered in another way") as caught:
        package(Wish(source))
    assert "scores, row " in str(caught.value)


def test_names_a_format_without_converter(tmp_path: Path) -> None:
    """A known format that nothing converts is named, with the way."""
    path = tmp_path / "weights.npy"
    np.save(path, np.zeros(3))

    with pytest.raises(UsageError, match=r"one numpy array .*which nothing here converts: write"):
        package(Wish(path))


def test_refuses_samples_without_an_input(source: Path, tmp_path: Path) -> None:
    """Samples have an array for each input of the graph."""
    np.savez(tmp_path / "rows.npz", a=np.zeros((2, 6)), b=np.zeros((2, 6)))

    with pytest.raises(UsageError, match=r"found samples of a, b, expected .* x"):
        package(Wish(source, samples=tmp_path / "rows.npz"))
