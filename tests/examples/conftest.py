"""What the tests of the samples share."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from examples.__main__ import ARTIFACTS


@pytest.fixture
def artifacts() -> Path:
    """The folder of the committed artifacts."""
    return ARTIFACTS


@pytest.fixture
def mnist_folder(tmp_path: Path) -> Path:
    """A folder laid out like MNIST: 30 training and 10 test images of noise, one file packed."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    random = np.random.default_rng(0)
    for prefix, count in (("train", 30), ("t10k", 10)):
        sizes = [size.to_bytes(4) for size in (count, 28, 28)]
        images = b"".join([b"\0\0\x08\x03", *sizes, random.bytes(count * 28 * 28)])
        labels = b"\0\0\x08\x01" + sizes[0] + bytes(i % 10 for i in range(count))
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(images)
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(labels)
    packed = folder / "t10k-images-idx3-ubyte"
    (folder / f"{packed.name}.gz").write_bytes(gzip.compress(packed.read_bytes()))
    packed.unlink()
    return folder
