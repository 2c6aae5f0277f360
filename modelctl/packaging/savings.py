"""What a smaller model costs and brings, measured; and whether it is worth it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelctl.packaging import parity
from modelctl.packaging.arrays import Arrays

_ALL = 100.0  # percent
LEAST_GAIN_PERCENT = {"latency": 10, "size": 30}
"""What a variant has to bring in the aim that is asked, or the simpler model stays."""
MOST_POINTS = 0.5  # of quality against the truth, where that is given


@dataclass(frozen=True, slots=True)
class Cost:
    """What a model takes and what it gets wrong.

    `loss_percent` is the share of rows whose label differs from the original's; of a regression,
    the typical difference by how much the answers vary. `quality` is the share of right labels,
    or R², in percent, where the truth is given.
    """

    size_bytes: int
    seconds_a_row: float
    loss_percent: float
    quality: float | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """A model that was made of the original; `verdict` says why it was kept or not."""

    name: str
    cost: Cost
    is_kept: bool
    verdict: str


def judged(name: str, cost: Cost, *, base: Cost, aim: str, max_loss_percent: float) -> Variant:
    """Whether a variant replaces what it was made of."""
    old, new = (
        (base.seconds_a_row, cost.seconds_a_row)
        if aim == "latency"
        else (base.size_bytes, cost.size_bytes)
    )
    gain = 100 * (1 - new / old) if old else 0.0
    least = LEAST_GAIN_PERCENT[aim]
    if cost.loss_percent > max_loss_percent:
        words = f"loses {cost.loss_percent:.2f} %, allowed are {max_loss_percent:g} %"
        return Variant(name, cost, is_kept=False, verdict=words)
    points = (base.quality or 0.0) - (cost.quality or 0.0)
    if points > MOST_POINTS:
        words = f"loses {points:.2f} points against the labels, allowed are {MOST_POINTS}"
        return Variant(name, cost, is_kept=False, verdict=words)
    way = f"{gain:.0f} % less" if gain >= 0 else f"{-gain:.0f} % more"
    words = f"{aim}: {way}, wanted are {least} % less"
    return Variant(name, cost, is_kept=gain >= least, verdict=words)


def loss_percent(reference: Arrays, found: Arrays) -> float:
    """How far a model is from another, in percent of rows or of the answers' spread."""
    old, new = labels(reference), labels(found)
    if old is not None and new is not None:
        return _ALL * float(np.mean((old != new) | (_broken(found) & ~_broken(reference))))
    worst = 0.0
    for name, wanted in reference.items():
        spread = float(np.std(wanted.astype(np.float64)))
        off = float(np.sqrt(np.mean((wanted.astype(np.float64) - found[name]) ** 2)))
        if not np.isfinite(off):
            return _ALL
        worst = max(worst, _ALL * off / spread if spread else (_ALL if off else 0.0))
    return worst


def _broken(outputs: Arrays) -> NDArray[np.bool_]:
    """By row, whether some number is none."""
    broken = [
        ~np.isfinite(each.reshape(len(each), -1)).all(axis=1)
        for each in outputs.values()
        if each.dtype.kind == "f"
    ]
    return np.logical_or.reduce(broken) if broken else np.zeros(1, np.bool_)


def labels(outputs: Arrays) -> NDArray[Any] | None:
    """The label of each row: an output of whole numbers or text, or the best of the scores."""
    found = (each for each in outputs.values() if each.dtype.kind in "biuU")
    named = next((each for each in found if each.size == len(each)), None)
    if named is not None:
        return named.reshape(-1)
    scored = parity.scores(outputs)
    return None if scored is None else scored.argmax(axis=1)


def quality(outputs: Arrays, truth: NDArray[Any]) -> float:
    """The share of right labels, or R² of a regression, in percent."""
    given = labels(outputs)
    if given is not None:
        same = given.astype(str) == truth.reshape(-1).astype(str)
        return 100 * float(np.mean(same))
    values = next(iter(outputs.values())).reshape(len(truth), -1).astype(np.float64)
    wanted = truth.reshape(len(truth), -1).astype(np.float64)
    spread = float(np.sum((wanted - wanted.mean(axis=0)) ** 2))
    return 100 * (1 - float(np.sum((values - wanted) ** 2)) / spread) if spread else 0.0


def table(base: Cost, variants: Sequence[Variant]) -> list[str]:
    """Lines for people: the original, then each variant."""
    rows = [("variant", "size", "a row", "loss", ""), ("original", *_cells(base), "")]
    for each in variants:
        kept = "kept" if each.is_kept else "dropped"
        rows.append((each.name, *_cells(each.cost), f"{kept}: {each.verdict}"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=True)),
                   row[-1]]).rstrip()
        for row in rows
    ]  # fmt: skip


def _cells(cost: Cost) -> tuple[str, str, str]:
    microseconds = f"{cost.seconds_a_row * 1e6:.0f} µs"
    return f"{cost.size_bytes / 1024:.1f} KiB", microseconds, f"{cost.loss_percent:.2f} %"
