"""Rows of named tensors, in files without pickle."""

import hashlib
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelctl.errors import UsageError

Arrays = Mapping[str, NDArray[Any]]


def read(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an npz file by name, or the one of an npy file by the name `X`.

    Raises:
        UsageError: It is neither, or has arrays of objects.
    """
    try:
        found = np.load(path, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return {"X": found}
        with found as file:
            return {name: file[name] for name in file.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(
            f"{path}: found no arrays without objects ({error}), expected an npz file: "
            "`numpy.savez('samples.npz', X=rows)`, text as an array of dtype str"
        ) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from error


def write(path: Path, arrays: Arrays) -> None:
    """Write arrays as an npz file; text becomes an array of fixed width."""
    np.savez(path, allow_pickle=False, **{name: plain(each) for name, each in arrays.items()})


def plain(values: NDArray[Any]) -> NDArray[Any]:
    """The values without Python objects."""
    return values.astype(str) if values.dtype.kind in "OS" else values


def first(arrays: Arrays, rows: int) -> dict[str, NDArray[Any]]:
    """The first rows of each."""
    return {name: each[:rows] for name, each in arrays.items()}


def count(arrays: Arrays) -> int:
    """The number of rows, the same for each."""
    return min((len(each) for each in arrays.values()), default=0)


def digest(arrays: Arrays) -> str:
    """SHA-256 of names, types, shapes and values."""
    whole = hashlib.sha256()
    for name, each in sorted(arrays.items()):
        values = np.ascontiguousarray(plain(each))
        whole.update(f"{name} {values.dtype.str} {values.shape}\n".encode())
        whole.update(values.tobytes())
    return whole.hexdigest()


@contextmanager
def file(arrays: Arrays | None) -> Iterator[Path | None]:
    """The path of an npz file of the arrays; None where there are none."""
    if arrays is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="modelctl-") as folder:
        path = Path(folder, "samples.npz")
        write(path, arrays)
        yield path
