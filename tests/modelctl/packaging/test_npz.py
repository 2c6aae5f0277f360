"""Dense layers from NumPy arrays, without a framework."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelctl.errors import ConversionError
from modelctl.model.graph import read_graph
from modelctl.packaging import running
from modelctl.packaging.packing import Package, Wish, package
from tests.modelctl.packaging import nets


def packed(folder: Path, samples: Path | None = None, **arrays: Any) -> Package:  # noqa: ANN401
    """The package of arrays."""
    np.savez(folder / "model.npz", **arrays)
    return package(Wish(folder / "model.npz", samples=samples))


def test_packages_a_line_from_gradient_descent(tmp_path: Path) -> None:
    """Slope and intercept, as gradient descent finds them, become a graph that answers so."""
    x = nets.rows(200, 1)
    y = 2 * x + 1
    slope, intercept = 0.0, 0.0
    for _ in range(500):
        error = slope * x + intercept - y
        slope -= 0.1 * 2 * float(np.mean(error * x))
        intercept -= 0.1 * 2 * float(np.mean(error))
    made = packed(tmp_path, slope=slope, intercept=intercept)

    found = running.run(made.model, {"x": np.array([[3.0]], np.float32)})["y"]
    assert pytest.approx(7.0, abs=1e-3) == found.item()
    assert "answers as the original does: 261 rows" in made.lines[0]


def test_packages_a_network(tmp_path: Path) -> None:
    """Layers by number, standardised inputs, activations by name; samples are of the real world."""
    np.savez(tmp_path / "samples.npz", x=nets.rows(300) * 50 + 10)
    made = packed(
        tmp_path,
        tmp_path / "samples.npz",
        W1=nets.weights(6, 20),
        b1=nets.weights(20),
        W2=nets.weights(20, 3),
        b2=nets.weights(3),
        mean=np.full(6, 10.0),
        scale=np.full(6, 50.0),
        activation="tanh",
        output="softmax",
    )
    graph = read_graph(made.model)

    assert [("x", (-1, 6))] == [(each.name, each.shape) for each in graph.inputs]
    assert [("y", (-1, 3))] == [(each.name, each.shape) for each in graph.outputs]
    np.testing.assert_allclose(
        np.ones(7), running.run(made.model, {"x": nets.rows(7)})["y"].sum(axis=1), rtol=1e-5
    )


def test_turns_weights_that_lie_the_other_way(tmp_path: Path) -> None:
    """Weights as PyTorch has them, `[outputs, inputs]`, are told by their bias and turned."""
    made = packed(tmp_path, weights=nets.weights(3, 6), bias=nets.weights(3))

    assert (-1, 6) == read_graph(made.model).inputs[0].shape
    assert "weights 1 were [outputs, inputs] and are turned" in made.lines


def test_packages_the_same_bytes_twice(tmp_path: Path) -> None:
    """The same arrays give the same model, golden file and provenance."""
    arrays = {"w1": nets.weights(6, 4), "b1": nets.weights(4)}

    assert packed(tmp_path, **arrays) == packed(tmp_path, **arrays)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"alpha": [1.0]}, "found the arrays alpha: name the weights w1, w2"),
        ({"b1": [1.0]}, "found the arrays b1"),
        ({"w": [[np.nan]]}, "found the arrays w"),
        ({"w": np.zeros((2, 3, 4))}, "only dense layers are known here"),
        ({"w1": np.zeros((2, 3)), "w2": np.zeros((4, 1))}, "after 3 inputs"),
        ({"w": np.zeros((2, 3)), "b": np.zeros(4)}, "a bias of 4 values"),
        ({"w": [[1.0]], "activation": "gelu"}, "found activation 'gelu'"),
        ({"w": [[1.0]], "scale": [0.0]}, "found a scale of 0"),
        ({"w": [[1.0]], "mean": [0.0, 1.0]}, "give one or 1 of each"),
    ],
)
def test_refuses_arrays_that_are_no_layers(
    arrays: dict[str, Any], words: str, tmp_path: Path
) -> None:
    """What was found and the names that are known are told."""
    with pytest.raises(ConversionError, match=words):
        packed(tmp_path, **arrays)


def test_refuses_arrays_of_objects(tmp_path: Path) -> None:
    """An npz file that hides a pickle is not opened."""
    with pytest.raises(ConversionError, match="no npz of plain arrays"):
        packed(tmp_path, weights=np.array([{"a": 1}], dtype=object))
