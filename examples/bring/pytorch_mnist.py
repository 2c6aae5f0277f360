"""The 784-500-10 network as a PyTorch module: weights, the module that they are of, and rows.

    python examples/bring/pytorch_mnist.py mnist.npz
    modelctl package model.pt --samples samples.npz --trust --python "$(which python)" …

The data: an npz with `images` float[rows, 784] and `labels` from 0 to 9. Without a file, images
are made up: noise around one picture a label.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_EPOCHS, _MADE_UP = 20, 2000
_ROWS = 256  # to compare original and copy on


def made_up(count: int = _MADE_UP) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Noise around one picture for each label."""
    chance = np.random.default_rng(7)
    pictures = chance.random((10, 784))
    labels = chance.integers(0, 10, count)
    images = pictures[labels] + chance.normal(0, 0.3, (count, 784))
    return images.astype(np.float32), labels


def network() -> Any:  # noqa: ANN401 - a torch.nn.Module
    """The module, not trained yet."""
    from torch import nn  # noqa: PLC0415 - of the framework's own environment

    return nn.Sequential(nn.Linear(784, 500), nn.ReLU(), nn.Linear(500, 10), nn.Softmax(dim=1))


def train(folder: Path, source: Path | None = None, epochs: int = _EPOCHS) -> float:
    """Write TorchScript, weights and rows; gives the share of right answers."""
    import torch  # noqa: PLC0415 - of the framework's own environment

    torch.manual_seed(7)
    data = np.load(source, allow_pickle=False) if source else None
    images, labels = (data["images"], data["labels"]) if data else made_up()
    rows, truth = torch.from_numpy(images.astype(np.float32)), torch.from_numpy(labels)
    model = network()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        optimiser.zero_grad()
        loss = torch.nn.functional.nll_loss(torch.log(model(rows) + 1e-9), truth)
        loss.backward()
        optimiser.step()
    model.eval()
    torch.jit.script(model).save(str(folder / "model.pt"))
    torch.save(model.state_dict(), folder / "weights.pth")
    np.savez(folder / "samples.npz", input=images[:_ROWS].astype(np.float32))
    return float((model(rows).argmax(dim=1) == truth).float().mean())


if __name__ == "__main__":
    given = Path(sys.argv[1]) if sys.argv[1:] else None
    print(f"accuracy {train(Path.cwd(), given):.3f}")
