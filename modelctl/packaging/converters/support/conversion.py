"""What converters share: refusals, rows to compare on, and the files that they leave.

It runs in the interpreter of a converter, with NumPy and the standard library alone.
"""

from __future__ import annotations

import importlib.metadata
import platform
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Arrays = Mapping[str, np.ndarray[Any, Any]]

ROWS = 256  # the parity gate wants so many at least
EDGE_ROWS = 5
SEED = 20_251
_SPREAD = (0.1, 1.0, 10.0)  # made-up rows are drawn at each of these scales in turn


class Refused(Exception):  # noqa: N818 - a refusal is an answer
    """The model cannot be converted: what was found, and what to do about it."""

    def __init__(self, error: str, remedy: str) -> None:
        super().__init__(error)
        self.remedy = remedy


def given(request: Mapping[str, Any]) -> Arrays | None:
    """The samples that the request names, by input name, or None."""
    if not request["samples"]:
        return None
    with np.load(request["samples"], allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def normal(
    shape: Sequence[int],
    *,
    count: int = ROWS,
    seed: int = SEED,
    dtype: Any = np.float32,
) -> Any:
    """Made-up values `dtype[count, *shape]` of several scales around zero."""
    chance = np.random.default_rng(seed)
    scales = np.resize(np.array(_SPREAD), count).reshape(-1, *(1 for _ in shape))
    return (chance.normal(size=(count, *shape)) * scales).astype(dtype)


def whole(
    shape: Sequence[int],
    *,
    below: int,
    count: int = ROWS,
    seed: int = SEED,
    dtype: Any = np.int64,
) -> Any:
    """Made-up whole numbers `dtype[count, *shape]` from 0 up to, not including, `below`."""
    chance = np.random.default_rng(seed)
    return chance.integers(0, below, size=(count, *shape)).astype(dtype)


def chosen(values: Any, *, count: int = ROWS, seed: int = SEED) -> Any:
    """`count` of the values, each as often as another, in an order of chance."""
    chance = np.random.default_rng(seed)
    return chance.permutation(np.resize(np.asarray(values), count))


def with_edges(samples: Arrays) -> Arrays:
    """The rows with others after them at the edge of what they span.

    Zeros, the least and the largest value of each element, and, of real numbers, values as far
    beyond both as these are apart. Whole numbers and text stay within what the samples have: a
    class or a token beyond it may be none.
    """
    return {name: np.concatenate([rows, _edges(rows)]) for name, rows in samples.items()}


def without_edges(samples: Arrays) -> Arrays:
    """What `with_edges` gave, first rows in place of the edges, which some originals refuse."""
    return {
        name: np.concatenate([rows[:-EDGE_ROWS], rows[:EDGE_ROWS]])
        for name, rows in samples.items()
    }


def _edges(rows: Any) -> Any:
    if rows.dtype.kind not in "iuf" or not len(rows):
        return rows[np.resize([0, -1], EDGE_ROWS)] if len(rows) else rows
    low, high = rows.min(axis=0), rows.max(axis=0)
    zero = np.clip(np.zeros_like(low), low, high) if rows.dtype.kind in "iu" else low * 0
    if rows.dtype.kind in "iu":
        return np.stack([zero, low, high, low, high])
    span = high - low
    return np.stack([zero, low, high, low - span, high + span]).astype(rows.dtype)


def environment(*distributions: str) -> dict[str, str]:
    """The version of Python and of each distribution that is installed."""
    found = {"python": platform.python_version()}
    for name in distributions:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def plain(name: str) -> str:
    """A tensor's name of plain letters, digits, dot, dash and underscore."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", letters).strip("_") or "tensor"


def plain_names(names: Sequence[str]) -> dict[str, str]:
    """The plain name of each; a number is put behind those that others have already."""
    found: dict[str, str] = {}
    for name in names:
        wanted, number = plain(name), 1
        while wanted in found.values():
            number += 1
            wanted = f"{plain(name)}_{number}"
        found[name] = wanted
    return found


def save(request: Mapping[str, Any], model: bytes, samples: Arrays, expected: Arrays) -> None:
    """Leave the three files of a conversion: the bytes of the model, rows, and their answers.

    `samples` are by the graph's input names, `expected` by its output names: what the original
    made of all rows. Text may be of any string type.
    """
    out = Path(request["out"])
    (out / "model.onnx").write_bytes(model)
    np.savez(out / "samples.npz", **{name: _portable(each) for name, each in samples.items()})
    np.savez(out / "expected.npz", **{name: _portable(each) for name, each in expected.items()})


def _portable(values: Any) -> Any:
    values = np.asarray(values)
    return values.astype(str) if values.dtype.kind in "OS" else values
