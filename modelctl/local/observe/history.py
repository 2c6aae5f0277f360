"""What was measured of each release over the last hour, in buckets of a few seconds.

Numbers only, in arrays of a fixed length: 600 releases take about 3 MB, however long this runs.
"""

import math
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from modelctl.local.envoy.measure import Counters

BUCKET_S = 15.0
BUCKETS = 240  # an hour

Key = tuple[str, str]  # a model and one of its releases


@dataclass(frozen=True, slots=True)
class Series:
    """One number a bucket, the oldest first; None where there was nothing to measure.

    Requests and errors are by second, latencies in milliseconds.
    """

    requests: tuple[float | None, ...]
    errors: tuple[float | None, ...]
    client_errors: tuple[float | None, ...]
    p50_ms: tuple[float | None, ...]
    p99_ms: tuple[float | None, ...]


class History:
    """The last buckets of every release, and when the next one is due."""

    def __init__(self, bucket_s: float = BUCKET_S, buckets: int = BUCKETS) -> None:
        self.bucket_s = bucket_s
        self.buckets = buckets
        self._begun_s: float | None = None
        self._at = 0
        self._kept: dict[Key, tuple[array[float], ...]] = {}

    @property
    def length_s(self) -> float:
        """How far back it reaches."""
        return self.bucket_s * self.buckets

    def due(self, now_s: float) -> float | None:
        """When the bucket began that is full by now; None while it is not."""
        if self._begun_s is None:
            self._begun_s = now_s
        return self._begun_s if now_s - self._begun_s >= self.bucket_s else None

    def add(self, now_s: float, counted: Mapping[Key, Counters]) -> None:
        """Close a bucket with what each release answered since it began."""
        took_s = now_s - (self._begun_s if self._begun_s is not None else now_s - self.bucket_s)
        self._begun_s = now_s
        self._at = (self._at + 1) % self.buckets
        for key in self._kept.keys() | counted.keys():
            columns = self._kept.setdefault(key, self._empty())
            for column, value in zip(columns, _numbers(counted.get(key), took_s), strict=True):
                column[self._at] = math.nan if value is None else value
        self._forget()

    def of(self, model: str) -> dict[str, Series]:
        """The last hour of each release of a model, by name."""
        return {
            release: Series(*map(self._ordered, columns))
            for (name, release), columns in sorted(self._kept.items())
            if name == model
        }

    def _empty(self) -> tuple["array[float]", ...]:
        nothing = array("f", [math.nan]) * self.buckets
        return tuple(nothing[:] for _ in range(5))

    def _ordered(self, column: "array[float]") -> tuple[float | None, ...]:
        turned = (*column[self._at + 1 :], *column[: self._at + 1])
        return tuple(None if math.isnan(value) else value for value in turned)

    def _forget(self) -> None:
        """Drop the releases that nothing was heard of for as long as this reaches back."""
        gone = [key for key, columns in self._kept.items() if all(map(math.isnan, columns[0]))]
        for key in gone:
            del self._kept[key]


def _numbers(counted: Counters | None, took_s: float) -> Iterable[float | None]:
    if counted is None or took_s <= 0:
        return (None,) * 5
    return (
        counted.requests / took_s,
        counted.errors / took_s,
        counted.client_errors / took_s,
        counted.quantile_ms(0.5),
        counted.quantile_ms(0.99),
    )
