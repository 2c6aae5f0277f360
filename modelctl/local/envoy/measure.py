"""What Envoy measured: requests, errors and latencies of each cluster over a recent window.

Envoy counts from its start. The difference of two readings says what happened between them.
"""

import json
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_STAT = re.compile(r"cluster\.([^.]+)\.upstream_rq_(completed|4xx|5xx|time)")


@dataclass(frozen=True, slots=True)
class Counters:
    """Requests that were answered, and those of them with a 5xx and with a 4xx.

    `within_ms` pairs a number of milliseconds with how many took at most so long, rising.
    """

    requests: int = 0
    errors: int = 0
    within_ms: tuple[tuple[float, int], ...] = ()
    client_errors: int = 0

    def __add__(self, other: "Counters") -> "Counters":
        return Counters(
            self.requests + other.requests,
            self.errors + other.errors,
            _combine(self.within_ms, other.within_ms, 1),
            self.client_errors + other.client_errors,
        )

    def __sub__(self, earlier: "Counters") -> "Counters":
        if earlier.requests > self.requests:  # Envoy, or the cluster, started anew in between
            return self
        return Counters(
            self.requests - earlier.requests,
            max(0, self.errors - earlier.errors),
            _combine(self.within_ms, earlier.within_ms, -1),
            max(0, self.client_errors - earlier.client_errors),
        )

    def error_rate(self) -> float | None:
        """The share of requests that failed, or None without any."""
        return self.errors / self.requests if self.requests else None

    def client_error_rate(self) -> float | None:
        """The share of requests that were refused as the caller's fault, or None without any."""
        return self.client_errors / self.requests if self.requests else None

    def quantile_ms(self, share: float) -> float | None:
        """The latency that `share` of the requests stay within, interpolated; None without any."""
        total = max((count for _, count in self.within_ms), default=0)
        if total == 0:
            return None
        wanted = share * total
        for (lower_ms, below), (upper_ms, count) in pairwise(((0.0, 0), *self.within_ms)):
            if count >= wanted:
                return lower_ms + (upper_ms - lower_ms) * (wanted - below) / (count - below)
        return self.within_ms[-1][0]


Readings = Mapping[str, Counters]


def parse_counters(page: bytes) -> dict[str, Counters]:
    """The counters of every cluster in a JSON page of Envoy's statistics.

    Raises:
        ValueError: The page is not of that form.
    """
    numbers: dict[str, dict[str, int]] = {}
    latencies: dict[str, tuple[tuple[float, int], ...]] = {}
    for item in _statistics(page):
        found = _STAT.fullmatch(item["name"])
        if found and "value" in item:
            numbers.setdefault(found[1], {})[found[2]] = item["value"]
        elif found:
            latencies[found[1]] = tuple(
                (bucket["upper_bound"], bucket["cumulative"]) for bucket in item["buckets"]
            )
    return {
        cluster: Counters(
            counts.get("completed", 0),
            counts.get("5xx", 0),
            latencies.get(cluster, ()),
            counts.get("4xx", 0),
        )
        for cluster, counts in numbers.items()
    }


def _statistics(page: bytes) -> Iterable[dict[str, Any]]:
    for item in json.loads(page)["stats"]:
        if "histograms" in item:
            yield from item["histograms"]
        else:
            yield item


def _combine(
    one: tuple[tuple[float, int], ...], other: tuple[tuple[float, int], ...], sign: int
) -> tuple[tuple[float, int], ...]:
    added = dict(other)
    base = one or tuple((bound, 0) for bound, _ in other)
    return tuple((bound, max(0, count + sign * added.get(bound, 0))) for bound, count in base)


class Window:
    """Readings of the last `length_s` seconds."""

    def __init__(self, length_s: float) -> None:
        self.length_s = length_s
        self._readings: deque[tuple[float, Readings]] = deque()

    def add(self, time_s: float, readings: Readings) -> None:
        """Take a reading at a monotonic time; what did not change takes no further memory."""
        last = self._readings[-1][1] if self._readings else {}
        kept = {name: last[name] if last.get(name) == c else c for name, c in readings.items()}
        self._readings.append((time_s, kept))
        while len(self._readings) > 2 and self._readings[1][0] <= time_s - self.length_s:  # noqa: PLR2004 - two readings make a difference
            self._readings.popleft()

    def since(self, time_s: float) -> Readings:
        """What each cluster counted since a time, or since the window began if that is later."""
        if not self._readings:
            return {}
        latest_s, latest = self._readings[-1]
        start_s = max(time_s, latest_s - self.length_s)
        earlier = self._readings[0][1]
        for taken_s, readings in self._readings:
            if taken_s <= start_s:
                earlier = readings
        return {name: count - earlier.get(name, Counters()) for name, count in latest.items()}
