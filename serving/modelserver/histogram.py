"""Counts of values by upper bound, cheap on the way of a request."""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

_FRESH = 4096


class Histogram:
    """Counts of values by upper bound.

    A value is only appended to a list; sorting them into buckets is done for thousands at once.
    """

    __slots__ = ("_bounds", "_counts", "_fresh", "_total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = np.array(bounds, np.float64)
        self._counts = np.zeros(len(bounds) + 1, np.int64)
        self._fresh: list[float] = []
        self._total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self._fresh.append(value)
        if len(self._fresh) >= _FRESH:
            self._sort()

    @property
    def total(self) -> float:
        """Sum of all values."""
        self._sort()
        return self._total

    def buckets(self) -> list[tuple[str, float]]:
        """Upper bound and the number of values up to it."""
        self._sort()
        names = [*(f"{float(bound)}" for bound in self._bounds), "+Inf"]
        return list(zip(names, accumulate(map(float, self._counts)), strict=True))

    def _sort(self) -> None:
        values = np.array(self._fresh, np.float64)
        self._fresh.clear()
        places = np.searchsorted(self._bounds, values, side="left")
        self._counts += np.bincount(places, minlength=len(self._counts))
        self._total += float(values.sum())
