"""Numbers of observed values by upper bound, for Prometheus; one costs next to nothing."""

from collections.abc import Callable, Sequence
from itertools import accumulate

import numpy as np


class Histogram:
    """Numbers of observed values by upper bound.

    `observe` only appends to a list. Whoever observes calls `fold` before that list gets long:
    sorting a thousand values into buckets costs little more than sorting one.
    """

    __slots__ = ("_bounds", "_counts", "_fresh", "_total", "observe")
    observe: Callable[[float], None]

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = np.array(bounds, np.float64)
        self._counts = np.zeros(len(bounds) + 1, np.int64)
        self._fresh: list[float] = []
        self._total = 0.0
        self.observe = self._fresh.append

    @property
    def total(self) -> float:
        """The sum of all values that were observed."""
        self.fold()
        return self._total

    def buckets(self) -> list[tuple[str, float]]:
        """Each upper bound and the number of values up to it, which is how Prometheus counts."""
        self.fold()
        names = [*(f"{float(bound)}" for bound in self._bounds), "+Inf"]
        return list(zip(names, accumulate(map(float, self._counts)), strict=True))

    def fold(self) -> None:
        """Sort the values that were observed since the last time into their buckets."""
        values = np.array(self._fresh, np.float64)
        self._fresh.clear()
        places = np.searchsorted(self._bounds, values, side="left")
        self._counts += np.bincount(places, minlength=len(self._counts))
        self._total += float(values.sum())
