"""PyTorch's modules through packaging, by whatever interpreter of this machine has it."""

import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from modelctl.errors import ConversionError
from modelctl.model.graph import read_graph
from modelctl.packaging import converters, converting, packing
from modelctl.packaging.packing import Wish
from scratch import PROJECT

_PYTHON = Path("/usr/bin/python3")  # where Debian's python3-torch is
_MADE = f"""
import sys, torch
from pathlib import Path
sys.path.insert(0, {str(PROJECT)!r})
from examples.bring import pytorch_mnist
pytorch_mnist.train(Path.cwd(), epochs=2)
torch.save(pytorch_mnist.network(), "pickled.pt")
"""
_FACTORY = {"factory": "mine:make"}


@cache
def _has_torch() -> bool:
    words = [_PYTHON, "-c", "import torch, numpy"]
    return (
        _PYTHON.exists() and subprocess.run(words, check=False, capture_output=True).returncode == 0
    )


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module in each form that PyTorch saves, and a factory of it."""
    if not _has_torch():
        pytest.skip(f"{_PYTHON} has no torch (Debian: apt-get install python3-torch)")
    folder = tmp_path_factory.mktemp("torch")
    done = subprocess.run(
        [_PYTHON, "-c", _MADE], cwd=folder, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    (folder / "mine.py").write_text(
        f"import sys\nsys.path.insert(0, {str(PROJECT)!r})\n"
        "from examples.bring.pytorch_mnist import network as make\n"
    )
    return folder


@pytest.mark.parametrize(
    ("file", "options"), [("model.pt", {}), ("pickled.pt", {}), ("weights.pth", _FACTORY)]
)
def test_a_module_is_packaged(models: Path, file: str, options: dict[str, object]) -> None:
    """TorchScript, a pickled module, and weights with the function that makes their module."""
    wish = Wish(
        models / file,
        samples=models / "samples.npz",
        trust=True,
        python=_PYTHON,
        options=options,
    )

    graph = read_graph(packing.package(wish).model)

    assert [("input", (-1, 784))] == [(each.name, each.shape) for each in graph.inputs]
    assert [("output", (-1, 10))] == [(each.name, each.shape) for each in graph.outputs]


def test_weights_alone_are_refused_with_the_ways(models: Path) -> None:
    """A program of torch.export, or a factory."""
    with pytest.raises(ConversionError, match=r"found weights without .* --option factory="):
        converting.convert(
            models / "weights.pth", converters.named("torch"), trust=True, python=_PYTHON
        )


def test_a_module_that_says_no_shapes_wants_rows(models: Path) -> None:
    """The message has the names of its arguments."""
    with pytest.raises(ConversionError, match=r"rows of its inputs, named input: --samples"):
        converting.convert(
            models / "model.pt", converters.named("torch"), trust=True, python=_PYTHON
        )


def test_weights_of_another_module_are_refused(models: Path, tmp_path: Path) -> None:
    """PyTorch's own words say which tensor does not fit."""
    (tmp_path / "mine.py").write_text(
        "import torch\ndef make():\n    return torch.nn.Linear(3, 2)\n"
    )
    (tmp_path / "weights.pth").write_bytes((models / "weights.pth").read_bytes())
    np.savez(tmp_path / "rows.npz", input=np.zeros((4, 3), np.float32))

    with pytest.raises(ConversionError, match="found weights that do not fit mine:make"):
        converting.convert(
            tmp_path / "weights.pth",
            converters.named("torch"),
            samples=tmp_path / "rows.npz",
            trust=True,
            python=_PYTHON,
            options=_FACTORY,
        )
