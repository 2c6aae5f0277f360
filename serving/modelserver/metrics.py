"""Metrics of one server process, in Prometheus' names and units.

The numbers are plain attributes that only the event loop changes: no lock and no label look-up on
the way of a request. They become metric families when somebody scrapes.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
DURATION_BOUNDS_S = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
BATCH_BOUNDS_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Histogram:
    """Counts of values by upper bound."""

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """Upper bound and the number of values up to it."""
        names = [*(f"{float(bound)}" for bound in self._bounds), "+Inf"]
        return list(zip(names, accumulate(map(float, self._counts)), strict=True))


class Metrics(Collector):
    """Everything that one server counts and measures."""

    def __init__(self, *, model: str, release: str) -> None:
        self._labels = {"model": model, "release": release}
        self.requests: dict[tuple[str, int], int] = defaultdict(int)
        self.request_s: dict[str, Histogram] = defaultdict(lambda: Histogram(DURATION_BOUNDS_S))
        self.compute_s = Histogram(DURATION_BOUNDS_S)
        self.batch_rows = Histogram(BATCH_BOUNDS_ROWS)
        self.in_flight = 0
        self.rejected: dict[str, int] = {"not_ready": 0, "overloaded": 0}
        self.nonfinite_answers = 0
        self.load_s: float | None = None
        self.model_info: Mapping[str, str] = {}
        self.ready = False
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def exposition(self) -> bytes:
        """Prometheus' text format, version 0.0.4."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Families as the client library wants them."""
        yield from self._counters()
        yield from self._gauges()
        durations: dict[tuple[str, str] | None, Histogram] = {
            ("role", role): each for role, each in self.request_s.items()
        }
        yield self._histogram(
            "request_duration_seconds", "From the request's headers to its answer.", durations
        )
        yield self._histogram(
            "compute_duration_seconds", "One run of the model.", {None: self.compute_s}
        )
        yield self._histogram(
            "batch_rows", "Rows in one run of the model.", {None: self.batch_rows}
        )

    def _counters(self) -> Iterator[Metric]:
        requests = self._counter("requests", "Answered inference requests.", "role", "code")
        for (role, code), number in self.requests.items():
            requests.add_metric([*self._labels.values(), role, str(code)], number)
        yield requests
        rejected = self._counter("requests_rejected", "Requests turned away at once.", "reason")
        for reason, number in self.rejected.items():
            rejected.add_metric([*self._labels.values(), reason], number)
        yield rejected
        nonfinite = self._counter("nonfinite_answers", "Answers that hold NaN or an infinity.")
        nonfinite.add_metric([*self._labels.values()], self.nonfinite_answers)
        yield nonfinite

    def _gauges(self) -> Iterator[Metric]:
        yield self._gauge("requests_in_flight", "Admitted and not yet answered.", self.in_flight)
        yield self._gauge("ready", "1 while new requests are wanted, else 0.", float(self.ready))
        if self.load_s is not None:
            yield self._gauge("model_load_seconds", "From process start to ready.", self.load_s)
        info = InfoMetricFamily("modelserver_model", "What is served.", labels=[*self._labels])
        info.add_metric([*self._labels.values()], dict(self.model_info))
        yield info

    def _counter(self, name: str, text: str, *labels: str) -> CounterMetricFamily:
        return CounterMetricFamily(f"modelserver_{name}", text, labels=[*self._labels, *labels])

    def _gauge(self, name: str, text: str, value: float) -> GaugeMetricFamily:
        family = GaugeMetricFamily(f"modelserver_{name}", text, labels=[*self._labels])
        family.add_metric([*self._labels.values()], value)
        return family

    def _histogram(
        self, name: str, text: str, series: Mapping[tuple[str, str] | None, Histogram]
    ) -> HistogramMetricFamily:
        """`series` by a further label and its value, if there is one."""
        extra = [pair[0] for pair in series if pair][:1]
        family = HistogramMetricFamily(f"modelserver_{name}", text, labels=[*self._labels, *extra])
        for pair, each in series.items():
            values = [*self._labels.values(), *(pair or ())[1:]]
            family.add_metric(values, each.buckets(), each.total)
        return family
