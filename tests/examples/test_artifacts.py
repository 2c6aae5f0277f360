"""The committed artifacts: what is served is what the sources promise."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from examples import datasets, golden, linear
from examples.__main__ import TRAINERS
from examples.datasets import Array, Split
from examples.release import accuracy, root_mean_square_error

RELEASES = [(model, release) for model in TRAINERS for release in ("r1", "r2")]
LIMIT_BYTES = 300_000
CONTRACTS: dict[str, tuple[list[Any], list[Any]]] = {
    "linear": (["x", "FP32", -1, 1], ["y", "FP32", -1, 1]),
    "diabetes-mlp": (["features", "FP32", -1, 10], ["progression", "FP32", -1, 1]),
    "digits-mlp": (["image", "FP32", -1, 64], ["probabilities", "FP32", -1, 10]),
    "digits-cnn": (["image", "FP32", -1, 1, 8, 8], ["probabilities", "FP32", -1, 10]),
}

every_release = pytest.mark.parametrize(("model", "release"), RELEASES)


def answers(artifacts: Path, model: str, release: str, inputs: Array) -> Array:
    """What the committed release answers for a batch."""
    return golden.run((artifacts / model / f"{release}.onnx").read_bytes(), inputs)


def read(artifacts: Path, model: str, file: str) -> dict[str, Any]:
    """A committed JSON document."""
    document: dict[str, Any] = json.loads((artifacts / model / file).read_text())
    return document


def port(info: onnx.ValueInfoProto) -> list[Any]:
    """Name, datatype and dimensions, with -1 for the one of any size."""
    tensor = info.type.tensor_type
    assert tensor.elem_type == onnx.TensorProto.FLOAT
    return [
        info.name,
        "FP32",
        *(-1 if dim.dim_param else dim.dim_value for dim in tensor.shape.dim),
    ]


@every_release
def test_contract_is_the_declared_one(artifacts: Path, model: str, release: str) -> None:
    """Both releases of a model have the same inputs and outputs, batch first and of any size."""
    graph = onnx.load(artifacts / model / f"{release}.onnx").graph

    assert CONTRACTS[model] == tuple(port(info) for info in (*graph.input, *graph.output))


@every_release
def test_model_is_self_contained_and_current(artifacts: Path, model: str, release: str) -> None:
    """The model is valid, uses standard operators only, and names no tool that made it."""
    loaded = onnx.load(artifacts / model / f"{release}.onnx", load_external_data=False)
    expected = {"": 17}

    onnx.checker.check_model(loaded, full_check=True)
    assert expected == {opset.domain: opset.version for opset in loaded.opset_import}
    assert loaded.producer_name == ""


@every_release
def test_golden_cases_replay(artifacts: Path, model: str, release: str) -> None:
    """The recorded inputs get the recorded outputs, alone and in a batch, within tolerance."""
    document = read(artifacts, model, f"{release}.golden.json")
    tolerance = document["tolerance"]
    batches = [golden.array(case["inputs"][0]) for case in document["cases"]]

    assert {1, 4} == {len(batch) for batch in batches}
    for batch, case in zip(batches, document["cases"], strict=True):
        np.testing.assert_allclose(
            answers(artifacts, model, release, batch),
            golden.array(case["outputs"][0]),
            atol=tolerance["absolute"],
            rtol=tolerance["relative"],
        )


@pytest.mark.parametrize("model", ["linear", "diabetes-mlp", "digits-cnn"])
def test_golden_cases_tell_the_releases_apart(artifacts: Path, model: str) -> None:
    """The tolerance means something: r2's answers do not pass for those of r1."""
    document = read(artifacts, model, "r1.golden.json")
    tolerance = document["tolerance"]

    assert not all(
        np.allclose(
            answers(artifacts, model, "r2", golden.array(case["inputs"][0])),
            golden.array(case["outputs"][0]),
            atol=tolerance["absolute"],
            rtol=tolerance["relative"],
        )
        for case in document["cases"]
    )


@pytest.mark.parametrize(
    ("model", "floors"),
    [("digits-mlp", (0.955, 0.955)), ("digits-cnn", (0.92, 0.985))],
)
def test_digits_are_recognised(artifacts: Path, model: str, floors: tuple[float, float]) -> None:
    """The share of held-out digits that each release names rightly is above its floor."""
    data = datasets.digits()
    images = data.test_inputs.reshape(360, 64) if model == "digits-mlp" else data.test_inputs

    for release, floor in zip(("r1", "r2"), floors, strict=True):
        measured = accuracy(answers(artifacts, model, release, images), data.test_targets)

        assert measured >= floor, release


@pytest.mark.parametrize(
    ("model", "data", "ceilings"),
    [
        ("linear", linear.sample(1), (1.3, 0.5)),
        ("diabetes-mlp", datasets.diabetes(), (64.0, 61.0)),
    ],
)
def test_regressions_predict(
    artifacts: Path, model: str, data: Split, ceilings: tuple[float, float]
) -> None:
    """The error on held-out data is below each release's ceiling, and smaller in the second."""
    errors = [
        root_mean_square_error(
            answers(artifacts, model, release, data.test_inputs).ravel(), data.test_targets.ravel()
        )
        for release in ("r1", "r2")
    ]

    assert errors[0] <= ceilings[0]
    assert errors[1] <= ceilings[1] < errors[0]


def test_quantised_release_is_close_and_a_third_of_the_size(artifacts: Path) -> None:
    """int8 moves no held-out probability by 0.05, changes no answer, and takes a third at most."""
    images = datasets.digits().test_inputs.reshape(360, 64)
    floating, quantised = (answers(artifacts, "digits-mlp", r, images) for r in ("r1", "r2"))
    sizes = [(artifacts / f"digits-mlp/{r}.onnx").stat().st_size for r in ("r1", "r2")]

    assert np.abs(floating - quantised).max() < 0.05
    assert np.array_equal(floating.argmax(axis=1), quantised.argmax(axis=1))
    assert sizes[1] * 3 < sizes[0]


def test_quantised_answer_does_not_depend_on_the_batch(artifacts: Path) -> None:
    """An image gets the same answer alone and beside brighter ones that share its batch."""
    images = datasets.digits().test_inputs.reshape(360, 64)[:32]
    together = answers(artifacts, "digits-mlp", "r2", images)

    alone = [answers(artifacts, "digits-mlp", "r2", images[i : i + 1])[0] for i in range(32)]

    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_saved_line_is_the_exported_one(artifacts: Path) -> None:
    """The npz file holds the slope and intercept that the graph computes with."""
    for release in ("r1", "r2"):
        with np.load(artifacts / f"linear/{release}.npz") as line:
            zero, one = answers(
                artifacts, "linear", release, np.array([[0], [1]], dtype=np.float32)
            )

            assert line["intercept"] == pytest.approx(zero)
            assert line["slope"].ravel() == pytest.approx(one - zero, rel=1e-6)


def test_artifacts_are_small_and_complete(artifacts: Path) -> None:
    """Every release has its files, nothing else lies there, and none is over the limit."""
    files = {str(path.relative_to(artifacts)): path for path in artifacts.rglob("*.*")}
    expected = {
        f"{model}/{release}.{kind}"
        for model, release in RELEASES
        for kind in ("onnx", "golden.json", "provenance.json")
    } | {"linear/r1.npz", "linear/r2.npz"}

    assert expected == files.keys()
    assert max(path.stat().st_size for path in files.values()) <= LIMIT_BYTES


def test_provenance_names_the_data(artifacts: Path) -> None:
    """The recorded digest is that of the data as it is loaded today."""
    loaded = {
        "linear": linear.sample(40),
        "diabetes-mlp": datasets.diabetes(),
        "digits-cnn": datasets.digits(),
    }

    for model, data in loaded.items():
        assert read(artifacts, model, "r1.provenance.json")["data_sha256"] == data.sha256()


def test_readme_quotes_the_measured_quality(artifacts: Path) -> None:
    """The table of the page shows, release by release, the metric of the provenance files."""
    readme = (artifacts.parent / "README.md").read_text()
    quoted = re.findall(r"\| (?:rmse|accuracy) ([0-9.]+) \|", readme)
    metrics = [read(artifacts, model, f"{r}.provenance.json")["metrics"] for model, r in RELEASES]

    assert [m.get("rmse", m.get("accuracy")) for m in metrics] == [float(q) for q in quoted]


def test_artifacts_of_different_releases_differ(artifacts: Path) -> None:
    """No release is a copy of another: eight releases have eight digests."""
    digests = {
        hashlib.sha256((artifacts / model / f"{release}.onnx").read_bytes()).hexdigest()
        for model, release in RELEASES
    }

    assert len(digests) == len(RELEASES)
