"""Whether a model answers as another does: the gate before a release."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelctl.errors import UsageError
from modelctl.packaging.arrays import Arrays

_Values = NDArray[Any]

ABSOLUTE, RELATIVE = 1e-4, 1e-3
"""How far a number may be off that is computed in another order, in 32 bits."""
_TIE = 1e-4  # scores that are nearer than this may swap
_SHOWN = 5  # of the worst rows


@dataclass(frozen=True, slots=True)
class Worst:
    """A row that differs: `excess` is its difference in units of what is allowed."""

    output: str
    row: int
    expected: str
    found: str
    excess: float

    def __str__(self) -> str:
        return f"{self.output}, row {self.row}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class Parity:
    """How two models compare over rows; `worst` are those that differ too much, worst first."""

    rows: int
    largest_difference: float
    failed_rows: int
    worst: tuple[Worst, ...]

    @property
    def holds(self) -> bool:
        """Whether no row differs by more than is allowed."""
        return not self.failed_rows


def compare(expected: Arrays, found: Arrays) -> Parity:
    """Hold every output to the original's, row by row.

    Numbers may be off by `ABSOLUTE` of their typical size, or of 1, plus `RELATIVE` of themselves.
    Labels are the same, except where the two best scores are as good as equal.

    Raises:
        UsageError: An output is missing, or has another shape.
    """
    rows, excess, largest = 0, {}, 0.0
    ties = _ties(expected)
    for name, wanted in expected.items():
        got = _like(name, wanted, found)
        rows = max(rows, len(wanted))
        if wanted.dtype.kind == "f":
            excess[name], off = _numbers(wanted, got)
            largest = max(largest, off)
        else:
            differs = (wanted != got).reshape(len(wanted), -1).any(axis=1)
            is_tie = ties if len(ties) == len(wanted) else np.zeros(len(wanted), np.bool_)
            excess[name] = np.where(differs & ~is_tie, np.inf, 0.0)
    failed: set[int] = set()
    for over in excess.values():
        failed.update(np.flatnonzero(over > 1).tolist())
    worst = sorted(_worst(expected, found, excess), key=lambda each: -each.excess)
    return Parity(rows, largest, len(failed), tuple(worst[:_SHOWN]))


def _like(name: str, wanted: _Values, found: Arrays) -> _Values:
    if name not in found:
        raise UsageError(f"found the outputs {', '.join(found)}, expected {name} as well")
    got = found[name]
    if got.shape != wanted.shape and got.size == wanted.size and len(got) == len(wanted):
        got = got.reshape(wanted.shape)
    if got.shape != wanted.shape:
        raise UsageError(f"found {name} of shape {got.shape}, expected {wanted.shape}")
    return got


def _numbers(wanted: _Values, got: _Values) -> tuple[_Values, float]:
    """By row, the difference in units of what is allowed; and the largest difference."""
    old, new = (each.reshape(len(wanted), -1).astype(np.float64) for each in (wanted, got))
    same = (old == new) | (np.isnan(old) & np.isnan(new))
    with np.errstate(invalid="ignore", over="ignore"):
        off = np.where(same, 0.0, np.abs(new - old))
        allowed = ABSOLUTE * max(1.0, _typical(old)) + RELATIVE * np.abs(old)
        over = np.where(np.isfinite(off) & np.isfinite(old), off / allowed, np.inf)
        over = np.where(same, 0.0, over)
    finite = off[np.isfinite(off)]
    return over.max(axis=1, initial=0.0), float(finite.max(initial=0.0))


def _typical(values: _Values) -> float:
    """The typical size: sums of large terms are as exact as these are, however small they are."""
    finite = np.abs(values[np.isfinite(values)])
    return float(np.median(finite)) if finite.size else 0.0


def scores(outputs: Arrays) -> _Values | None:
    """The scores of classes among the outputs: real numbers, at least two a row."""
    found = (each for each in outputs.values() if each.dtype.kind == "f" and _is_scores(each))
    return next(found, None)


def _is_scores(values: _Values) -> bool:
    return values.ndim == 2 and values.shape[1] > 1  # noqa: PLR2004 - a matrix


def _ties(outputs: Arrays) -> NDArray[np.bool_]:
    """By row, whether the two best scores are as good as equal."""
    found = scores(outputs)
    if found is None:
        return np.zeros(max((len(each) for each in outputs.values()), default=0), np.bool_)
    best = np.sort(found, axis=1)[:, -2:]
    return np.asarray(best[:, 1] - best[:, 0] < _TIE)


def _worst(expected: Arrays, found: Arrays, excess: Arrays) -> Iterator[Worst]:
    for name, over in excess.items():
        for row in np.argsort(-over, kind="stable")[:_SHOWN]:
            if over[row] > 1:
                pair = (_shown(expected[name][row]), _shown(found[name][row]))
                yield Worst(name, int(row), *pair, float(over[row]))


def _shown(values: Any) -> str:  # noqa: ANN401 - a number, text or array
    flat = np.asarray(values).reshape(-1)
    words = [f"{each:.6g}" if flat.dtype.kind == "f" else str(each) for each in flat[:_SHOWN]]
    more = ", …" if flat.size > _SHOWN else ""
    return f"[{', '.join(words)}{more}]" if flat.size > 1 else words[0]
