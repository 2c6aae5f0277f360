"""The bundled data sets, and the reader of IDX files."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from examples import datasets
from examples.datasets import DataError

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"


def idx_of_labels(labels: Iterable[int]) -> bytes:
    """The labels as an IDX file of one dimension."""
    content = bytes(labels)
    return b"\0\0\x08\x01" + len(content).to_bytes(4) + content


def test_digits_are_grey_levels_with_a_fifth_held_out() -> None:
    """1,797 images from 0 to 16 in the layout of a convolution, every class in both parts."""
    data = datasets.digits()

    assert data.train_inputs.shape == (1437, 1, 8, 8)
    assert data.test_inputs.shape == (360, 1, 8, 8)
    assert (data.train_inputs.min(), data.train_inputs.max()) == (0, 16)
    assert set(range(10)) == set(data.train_targets) == set(data.test_targets)


def test_diabetes_features_are_raw_measurements() -> None:
    """442 patients with ten features in their own units, here the age in years."""
    data = datasets.diabetes()

    assert data.train_inputs.shape == (353, 10)
    assert data.test_inputs.shape == (89, 10)
    assert 19 <= data.train_inputs[:, 0].min() < data.train_inputs[:, 0].max() <= 79


def test_digest_depends_on_every_array() -> None:
    """One changed label gives another digest, so provenance names the data exactly."""
    before, after = datasets.digits(), datasets.digits()
    assert before.sha256() == after.sha256()

    after.test_targets[0] += 1

    assert before.sha256() != after.sha256()


def test_mnist_reads_plain_and_packed_files(mnist_folder: Path) -> None:
    """Images get a channel dimension and keep their grey levels; labels are the written ones."""
    data = datasets.mnist(mnist_folder)

    assert data.train_inputs.shape == (30, 1, 28, 28)
    assert data.test_inputs.shape == (10, 1, 28, 28)
    assert data.train_inputs.max() > 200
    assert list(range(10)) == data.test_targets.tolist()


def cut(content: bytes) -> bytes:
    """The file without its last byte."""
    return content[:-1]


BAD_FILES: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "empty": (TRAIN_IMAGES, lambda _: b"", "is empty, expected 00 00 08"),
    "text": (TRAIN_IMAGES, lambda _: b"<html>", "begins with 3c 68 74 6d, expected 00 00 08"),
    "floats": (TRAIN_IMAGES, lambda c: b"\0\0\x0d" + c[3:], "begins with 00 00 0d 03"),
    "header only": (TRAIN_IMAGES, lambda c: c[:9], "not an IDX file of bytes"),
    "cut": (TRAIN_IMAGES, cut, "holds 23519 bytes of data, its header declares 23520"),
    "too long": (TRAIN_LABELS, lambda c: c + b"\0", "holds 31 bytes of data"),
    "labels as images": (
        TRAIN_IMAGES,
        lambda _: idx_of_labels([0] * 30),
        r"has shape \(30,\), expected \(n, 28, 28\)",
    ),
    "other images": (
        TRAIN_LABELS,
        lambda _: idx_of_labels([0] * 29),
        r"has shape \(29,\), expected \(30,\)",
    ),
    "letters": (
        TRAIN_LABELS,
        lambda _: idx_of_labels(range(30)),
        "holds the label 29, expected 0 to 9",
    ),
}


@pytest.mark.parametrize(("name", "change", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_mnist_names_the_bad_file(
    name: str, change: Callable[[bytes], bytes], message: str, mnist_folder: Path
) -> None:
    """A file that is not what its name says is refused with what was found and expected."""
    path = mnist_folder / name
    path.write_bytes(change(path.read_bytes()))

    with pytest.raises(DataError, match=message) as caught:
        datasets.mnist(mnist_folder)

    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("change", [cut, lambda c: b"no" + c[2:], lambda c: c[:20] + b"\0" * 30])
def test_mnist_refuses_a_damaged_gzip_file(
    change: Callable[[bytes], bytes], mnist_folder: Path
) -> None:
    """A download that stopped, or is no gzip file, is named as such."""
    path = mnist_folder / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(change(path.read_bytes()))

    with pytest.raises(DataError, match="is no complete gzip file"):
        datasets.mnist(mnist_folder)


def test_mnist_says_which_file_is_missing(tmp_path: Path) -> None:
    """An empty folder is answered with the name that was looked for, plain and packed."""
    with pytest.raises(DataError, match=f"has neither {TRAIN_IMAGES} nor {TRAIN_IMAGES}.gz"):
        datasets.mnist(tmp_path)
