"""What Envoy measured: requests, errors and latencies by Service and lane over a recent window.

Envoy counts by the zone of the endpoint that answers, which names the Service, the lane, and the
split by which the request was shared. It begins anew with each change of a cluster, so that only
what a counter rises by is added up.
"""

import json
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

# The zone names a Service, a lane and a split: `clusters.zone` makes it.
_STAT = re.compile(
    r"cluster\..+\.zone\.[^.]+\.([^.]+~[^.]+~[0-9]+)\.upstream_rq_(completed|4xx|5xx|time)"
)
_SPLITS_KEPT = 2  # of a Service in a lane: the one that is live, and the one before


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
    """The counters of every zone in a JSON page of Envoy's statistics, over all clusters.

    Raises:
        ValueError: The page is not of that form.
    """
    found: dict[str, Counters] = {}
    for item in _statistics(page):
        name = _STAT.fullmatch(item["name"])
        if name is not None:
            found[name[1]] = found.get(name[1], Counters()) + _counted(name[2], item)
    return found


def _counted(kind: str, item: Mapping[str, Any]) -> Counters:
    if kind == "time":
        buckets = ((each["upper_bound"], each["cumulative"]) for each in item["buckets"])
        return Counters(within_ms=tuple(buckets))
    value = int(item["value"])
    return Counters(
        requests=value if kind == "completed" else 0,
        errors=value if kind == "5xx" else 0,
        client_errors=value if kind == "4xx" else 0,
    )


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
    """What was counted in the last `length_s` seconds, and under the splits that are live."""

    def __init__(self, length_s: float) -> None:
        self.length_s = length_s
        self._raw: Readings | None = None
        self._totals: dict[str, Counters] = {}
        self._splits: dict[str, dict[int, Counters]] = {}
        self._readings: deque[tuple[float, Readings]] = deque()

    def add(self, time_s: float, raw: Readings) -> None:
        """Take a reading of the zones' counters at a monotonic time.

        The first one only says where later ones begin: Envoy may have counted before.
        """
        before, self._raw = self._raw, raw
        for zone, count in raw.items():
            more = count - (count if before is None else before.get(zone, Counters()))
            if more.requests or more.within_ms:
                self._add(zone, more)
        self._readings.append((time_s, dict(self._totals)))
        while len(self._readings) > 2 and self._readings[1][0] <= time_s - self.length_s:  # noqa: PLR2004 - two readings make a difference
            self._readings.popleft()

    def since(self, time_s: float) -> Readings:
        """By Service and lane, what was counted since a time, within the window."""
        if not self._readings:
            return {}
        latest_s, latest = self._readings[-1]
        start_s = max(time_s, latest_s - self.length_s)
        earlier = self._readings[0][1]
        for taken_s, readings in self._readings:
            if taken_s <= start_s:
                earlier = readings
        return {name: count - earlier.get(name, Counters()) for name, count in latest.items()}

    def of_split(self, split: int) -> Readings:
        """By Service and lane, what was counted under a split, however long ago it began."""
        return {name: counts[split] for name, counts in self._splits.items() if split in counts}

    def _add(self, zone: str, more: Counters) -> None:
        name, _, split = zone.rpartition("~")
        self._totals[name] = self._totals.get(name, Counters()) + more
        counts = self._splits.setdefault(name, {})
        counts[int(split)] = counts.get(int(split), Counters()) + more
        for old in sorted(counts)[:-_SPLITS_KEPT]:
            del counts[old]
