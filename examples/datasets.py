"""The data that the samples learn from: scikit-learn's bundled sets, and MNIST from a folder.

Nothing is downloaded: scikit-learn ships the digits and the diabetes data, and MNIST is read from
files that the user already has.
"""

import gzip
import hashlib
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import train_test_split

Array = npt.NDArray[np.float32]

SPLIT_SEED = 0
TEST_SHARE = 0.2

IDX_BYTES = b"\x00\x00\x08"  # how every IDX file of unsigned bytes begins
MNIST_SIDE = 28
CLASSES = 10


class DataError(Exception):
    """A data file is missing or is not what its name says; the message tells what to do next."""


@dataclass(frozen=True)
class Split:
    """Inputs with their targets, divided into a part to train on and a held-out part."""

    train_inputs: Array
    train_targets: npt.NDArray[Any]
    test_inputs: Array
    test_targets: npt.NDArray[Any]

    def sha256(self) -> str:
        """Hex digest over the raw bytes of the four arrays, in the order of the fields."""
        digest = hashlib.sha256()
        for array in (self.train_inputs, self.train_targets, self.test_inputs, self.test_targets):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def diabetes() -> Split:
    """442 patients: `float32[n, 10]` raw measurements, `float32[n]` progression after a year."""
    inputs, progression = load_diabetes(return_X_y=True, scaled=False)
    return Split(
        *_held_out(inputs.astype(np.float32), progression.astype(np.float32), stratify=None)
    )


def digits() -> Split:
    """1,797 handwritten digits: `float32[n, 1, 8, 8]` grey levels 0 to 16, `int64[n]` labels."""
    pixels, labels = load_digits(return_X_y=True)
    images = pixels.reshape(-1, 1, 8, 8).astype(np.float32)
    return Split(*_held_out(images, labels.astype(np.int64), stratify=labels))


def mnist(folder: Path) -> Split:
    """MNIST from its four IDX files, plain or `.gz`: `float32[n, 1, 28, 28]` grey levels 0 to 255.

    Raises DataError when a file is missing, is no IDX file of bytes, has another size than its
    header declares, or when images and labels do not belong together.
    """
    return Split(*_mnist_part(folder, "train"), *_mnist_part(folder, "t10k"))


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """The array of one IDX file of unsigned bytes, in the shape that its header declares.

    Source: the format's description on the MNIST page: two zero bytes, the element type, the
    number of dimensions, each dimension as a big-endian 32-bit count, then the elements.
    """
    content = _read_bytes(path)
    data_start = 4 + 4 * int.from_bytes(content[3:4])
    if not content.startswith(IDX_BYTES) or len(content) < data_start:
        found = f"begins with {content[:4].hex(' ')}" if content else "is empty"
        raise DataError(
            f"{path}: {found}, expected 00 00 08, the number of dimensions and their sizes: "
            "not an IDX file of bytes; fetch it again"
        )
    shape = tuple(int(size) for size in np.frombuffer(content[4:data_start], dtype=">u4"))
    declared_bytes = math.prod(shape)
    if len(content) - data_start != declared_bytes:
        raise DataError(
            f"{path}: holds {len(content) - data_start} bytes of data, its header declares "
            f"{declared_bytes} for shape {shape}: cut off or damaged; fetch it again"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=data_start).reshape(shape)


def _held_out(
    inputs: Array, targets: npt.NDArray[Any], *, stratify: npt.NDArray[Any] | None
) -> tuple[Array, npt.NDArray[Any], Array, npt.NDArray[Any]]:
    """The four fields of a Split, divided in the same way every time."""
    train_x, test_x, train_y, test_y = train_test_split(
        inputs, targets, test_size=TEST_SHARE, random_state=SPLIT_SEED, stratify=stratify
    )
    return train_x, train_y, test_x, test_y


def _mnist_part(folder: Path, prefix: str) -> tuple[Array, npt.NDArray[Any]]:
    """Images and labels of `train` or `t10k`, checked against each other."""
    images_path = _find(folder, f"{prefix}-images-idx3-ubyte")
    labels_path = _find(folder, f"{prefix}-labels-idx1-ubyte")
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.shape[1:] != (MNIST_SIDE, MNIST_SIDE):
        raise DataError(
            f"{images_path}: has shape {images.shape}, expected (n, {MNIST_SIDE}, {MNIST_SIDE}): "
            "put the image file under this name"
        )
    if labels.shape != images.shape[:1]:
        raise DataError(
            f"{labels_path}: has shape {labels.shape}, expected {images.shape[:1]} as "
            f"{images_path.name} has that many images: take both from the same set"
        )
    if labels.size and labels.max() >= CLASSES:
        raise DataError(
            f"{labels_path}: holds the label {labels.max()}, expected 0 to {CLASSES - 1}: "
            "take the labels of the ten digits"
        )
    return images[:, np.newaxis].astype(np.float32), labels.astype(np.int64)


def _find(folder: Path, name: str) -> Path:
    """The file `name`, or `name.gz`, in the folder."""
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    raise DataError(
        f"{folder}: has neither {name} nor {name}.gz: put the four IDX files of MNIST there"
    )


def _read_bytes(path: Path) -> bytes:
    """The file's content, unpacked when its name ends in `.gz`."""
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        return gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: is no complete gzip file ({error}); fetch it again") from error
