"""The benchmark's models are always the same, of the stated sizes, and compute something."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from serving.bench import models
from serving.bench.models import MODELS, BenchModel
from serving.bench.servers.model import Model

EVERY = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
SMALL = MODELS[:2]


@EVERY
def test_answers_are_finite_and_depend_on_the_input(model: BenchModel, tmp_path: Path) -> None:
    """Two inputs give two finite answers of the promised shape."""
    file = models.write(model, tmp_path)

    answers = Model(str(file.path)).run(model.sample(2))

    assert (2, model.classes) == answers.shape
    assert np.isfinite(answers).all()
    assert not np.allclose(answers[0], answers[1])


def test_the_conv_net_is_of_resnet_18_size() -> None:
    """Eleven to twelve million weights, like the network it stands for."""
    graph = models.proto(MODELS[2]).graph

    weights = sum(int(np.prod(tensor.dims)) for tensor in graph.initializer)

    assert 11_000_000 < weights < 12_000_000


@pytest.mark.parametrize("model", SMALL, ids=lambda model: model.name)
def test_the_same_bytes_every_time(model: BenchModel, tmp_path: Path) -> None:
    """Weights come from a fixed seed, so that tables made apart used the same model."""
    first = models.write(model, tmp_path / "first")
    second = models.write(model, tmp_path / "second")

    assert first.sha256 == second.sha256
    assert first.size_bytes == first.path.stat().st_size


def test_the_contract_names_inputs_and_outputs(tmp_path: Path) -> None:
    """The contract says what the graph says, with -1 for the batch."""
    file = models.write(MODELS[0], tmp_path)

    expected = {
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}],
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 3]}],
    }
    assert expected == json.loads(file.contract)
    assert "x" == onnx.load(file.path).graph.input[0].name


def test_samples_repeat() -> None:
    """The same rows every time, and a longer sample begins with the shorter one."""
    one, three = MODELS[0].sample(1), MODELS[0].sample(3)

    assert np.array_equal(one[0], three[0])
    assert (3, 4) == three.shape
