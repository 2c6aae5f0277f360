"""scikit-learn's models through their converter, and what it refuses."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelctl.errors import ConversionError, UsageError
from modelctl.model.graph import read_graph
from modelctl.packaging import arrays, converters, converting, parity, running
from modelctl.packaging.normalise import normalise
from modelctl.packaging.packing import Package, Wish, package

SKLEARN = converters.named("sklearn")


def packed(source: Path, python: Path, **wishes: object) -> Package:
    """The package of a trusted model."""
    return package(Wish(source, python=python, trust=True, **wishes))  # type: ignore[arg-type]


def answer(converted: Path, name: str) -> Any:  # noqa: ANN401 - JSON
    """What the converter said of a model."""
    return json.loads((converted / name / "answer.json").read_text("utf-8"))


PROBABILITIES = {"label": ("INT64", (-1,)), "probabilities": ("FP32", (-1, 2))}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pipeline.skops", PROBABILITIES),
        ("forest.joblib", PROBABILITIES),
        ("searched.pkl", PROBABILITIES),
        ("named.pkl", PROBABILITIES),
        ("codes.pkl", PROBABILITIES),
        ("columns.pkl", PROBABILITIES),
        ("remainder.pkl", PROBABILITIES),
        ("documents.pkl", PROBABILITIES),
        ("voting.pkl", PROBABILITIES),
        ("several.pkl", {"label": ("INT64", (-1, 2))}),
        ("boosting.pkl", {"variable": ("FP32", (-1, 1))}),
        ("two-outputs.pkl", {"variable": ("FP32", (-1, 2))}),
        ("projection.pkl", {"variable": ("FP32", (-1, 2))}),
        ("text-labels.pkl", {**PROBABILITIES, "label": ("BYTES", (-1,))}),
        ("bool-labels.pkl", PROBABILITIES),
        ("clusters.pkl", {"label": ("INT64", (-1,)), "scores": ("FP32", (-1, 3))}),
        ("outliers.pkl", {"label": ("INT64", (-1, 1)), "scores": ("FP32", (-1, 1))}),
        ("margins.pkl", {"label": ("INT64", (-1,))}),
        ("kernel.pkl", {"label": ("INT64", (-1,))}),
        ("ridge.pkl", {"label": ("INT64", (-1,))}),
    ],
)
def test_converts_to_tensors_with_the_same_answers(
    name: str, expected: dict[str, tuple[str, tuple[int, ...]]], converted: Path
) -> None:
    """The graph gives tensors, never a list of maps, and they are the estimator's own answers."""
    model = normalise(converted / name / "model.onnx").content
    wanted, rows = (arrays.read(converted / name / f"{one}.npz") for one in ("expected", "samples"))
    graph = read_graph(model)

    assert expected == {each.name: (each.datatype, each.shape) for each in graph.outputs}
    assert expected.keys() == wanted.keys()
    assert 261 == arrays.count(rows)
    assert parity.compare(wanted, running.run(model, rows)).holds


def test_takes_text(converted: Path) -> None:
    """An encoder of text gets a matrix of text, made up from the categories that it learned."""
    graph = read_graph((converted / "categories.pkl" / "model.onnx").read_bytes())
    rows = arrays.read(converted / "categories.pkl" / "samples.npz")["X"]

    assert [("X", "BYTES", (-1, 2))] == [(e.name, e.datatype, e.shape) for e in graph.inputs]
    assert {"a", "b", "c"} == set(rows[:, 0])


def test_packages_the_same_bytes_twice(trained: Path, sklearn_python: Path) -> None:
    """Columns by name are an input each; model, golden file and provenance do not vary."""
    samples = trained / "columns.npz"
    once, again = (
        packed(trained / "columns.pkl", sklearn_python, samples=samples) for _ in range(2)
    )
    inputs = read_graph(once.model).inputs

    assert once == again
    assert ["FP32", "FP32", "BYTES", "BYTES"] == [each.datatype for each in inputs]
    assert ["monthly_charge", "months", "plan", "region"] == [each.name for each in inputs]


def test_quantises_digits_for_size(trained: Path, sklearn_python: Path) -> None:
    """The network 784-500-10 loses two thirds of its bytes, and hardly an answer."""
    made = packed(
        trained / "digits.pkl",
        sklearn_python,
        samples=trained / "digits.npz",
        labels=trained / "digits-labels.npy",
        quantize="static",
        aim="size",
    )

    assert ["static"] == made.provenance["savings"]
    assert len(made.model) < 500_000
    assert any(line.startswith("static") and "kept" in line for line in made.lines)


def test_tells_the_columns_of_a_matrix(converted: Path) -> None:
    """A model of a data frame that needs no names takes one matrix; its order is told."""
    assert ["X has these columns: a, b, c, d"] == answer(converted, "named.pkl")["notes"]


def test_tells_that_the_version_differs(converted: Path) -> None:
    """A pickle of another version is converted with a word about it."""
    (note,) = answer(converted, "old.pkl")["notes"]

    assert "trained with scikit-learn 0." in note
    assert "--python PATH" in note


@pytest.mark.parametrize(
    ("name", "error", "remedy"),
    [
        ("hist-regressor.pkl", "HistGradientBoostingRegressor, which skl2onnx", "LightGBM or"),
        ("hist-classifier.pkl", "HistGradientBoostingClassifier", "converters of their own"),
        ("ada-bool.pkl", "AdaBoostClassifier, which skl2onnx cannot convert", "y.astype(int)"),
        ("text-gaps.pkl", "SimpleImputer, which skl2onnx", "fill gaps in text before the request"),
        ("own-function.pkl", "does not know", "classes and functions of your own into a module"),
        ("unfitted.pkl", "LogisticRegression that is not fitted", "fit it, then save it"),
        ("no-estimator.pkl", "builtins.dict, which has neither predict", "estimator or pipeline"),
        ("missing.pkl", "an object of the module churn_training", "--python PATH"),
    ],
)
def test_refuses_with_a_remedy(name: str, error: str, remedy: str, converted: Path) -> None:
    """What cannot be converted is named, with what to do."""
    found = answer(converted, name)

    assert error in found["error"]
    assert remedy in found["remedy"]


def test_wants_trust_for_what_runs_code(trained: Path, sklearn_python: Path) -> None:
    """A pickle is not read without --trust; skops wants it for types that it does not know."""
    with pytest.raises(UsageError, match="runs the code in it, which wants --trust"):
        package(Wish(trained / "pipeline.pkl", python=sklearn_python))
    with pytest.raises(ConversionError, match=r"found the types .*doubled.*add --trust"):
        package(Wish(trained / "own-function.skops", python=sklearn_python))


def test_refuses_samples_that_do_not_fit(
    trained: Path, sklearn_python: Path, tmp_path: Path
) -> None:
    """Samples without a column are refused with what is wanted."""
    np.savez(tmp_path / "narrow.npz", X=np.zeros((9, 3), np.float32))

    with pytest.raises(ConversionError, match="without the columns monthly charge, months"):
        packed(trained / "columns.pkl", sklearn_python, samples=tmp_path / "narrow.npz")


def test_names_what_an_interpreter_lacks(trained: Path, tmp_path: Path) -> None:
    """An interpreter without the converter's packages is told which one to install."""
    bare = tmp_path / "bin" / "python"
    bare.parent.mkdir()
    bare.symlink_to(Path("/usr/bin/python3"))
    with pytest.raises(ConversionError, match=r"module sklearn, which .* has not"):
        converting.convert(trained / "pipeline.pkl", SKLEARN, trust=True, python=bare)
