"""The examples of models that people bring, and what becomes of them."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from examples import datasets
from examples.bring import distil, mnist_sklearn
from modelctl.packaging import running
from modelctl.packaging.packing import Wish, package


@pytest.fixture(autouse=True)
def _unconverged() -> None:
    """A few epochs are enough here, and scikit-learn says that more would be better."""
    warnings.simplefilter("ignore", ConvergenceWarning)


def test_distils_a_student_that_is_served_as_arrays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The student is right nearly as often as the teacher, and its arrays make a package."""
    distil.main(["--out", str(tmp_path / "student.npz"), "--epochs", "10"])
    made = package(Wish(tmp_path / "student.npz"))
    data = distil.flat(datasets.digits())
    answers = running.run(made.model, {"x": data.test_inputs})["y"]

    assert 0.9 < float(np.mean(answers.argmax(axis=1) == data.test_targets))
    assert len(made.model) < 15_000
    assert "student 32: accuracy 0.9" in capsys.readouterr().out


def test_trains_a_network_on_generated_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without MNIST's files the network learns images of the same size."""
    mnist_sklearn.main(["--out", str(tmp_path), "--rows", "300", "--epochs", "3"])

    assert 0.9 < float(capsys.readouterr().out.split()[1])
    assert {"mnist.pkl", "mnist.npz", "mnist-labels.npy"} == {p.name for p in tmp_path.iterdir()}
