"""Metrics of one server process, in Prometheus' names and units.

The numbers are plain attributes that only the event loop changes, so that a request pays for no
lock and no search for labels. They become Prometheus' families when somebody scrapes them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from modelserver.observe.histogram import Histogram

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of the exposition: Prometheus' text format."""

# Upper bounds of buckets. A whole request is seldom quicker than half a millisecond; its steps are.
DURATION_BOUNDS_S = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
STEP_BOUNDS_S = (0.00001, 0.000025, 0.00005, 0.0001, 0.00025, *DURATION_BOUNDS_S)
BATCH_BOUNDS_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)

# Ended requests after which their durations are sorted into buckets.
_UNFOLDED = 1024

# A further label with its value, if there is one, and the number.
_Series = tuple[tuple[str, str] | None, float]


class Metrics(Collector):
    """Everything that one server counts and measures, for one model and release."""

    def __init__(self, *, model: str, release: str) -> None:
        self._labels = {"model": model, "release": release}
        self.requests: dict[tuple[str, int], int] = defaultdict(int)
        self.grpc_calls: dict[tuple[str, int], int] = defaultdict(int)
        self.request_s: dict[str, Histogram] = defaultdict(lambda: Histogram(DURATION_BOUNDS_S))
        self.decode_s = Histogram(STEP_BOUNDS_S)
        self.queue_s = Histogram(STEP_BOUNDS_S)
        self.batch_wait_s = Histogram(STEP_BOUNDS_S)
        self.compute_s = Histogram(STEP_BOUNDS_S)
        self.encode_s = Histogram(STEP_BOUNDS_S)
        self.batch_rows = Histogram(BATCH_BOUNDS_ROWS)
        self._unfolded = 0
        self.in_flight = 0
        self.receiving = 0
        self.claimed_bytes = 0  # by the thread beside the event loop, which alone changes it
        self.released_bytes = 0
        self.in_flight_bytes = 0
        self.connections: Callable[[], int] = lambda: 0
        self.connections_limit = 0
        self.connections_closed = {"silent": 0, "shortage": 0}
        self.reserved_bytes = 0
        self.unsent_bytes = 0
        self.limits: Mapping[str, int] = {}
        self.memory: Mapping[str, int] = {}
        self.queue_depth: Callable[[], int] = lambda: 0
        self.rejected = {"not_ready": 0, "overloaded": 0, "overloaded_bytes": 0}
        self.dropped = {"deadline": 0, "disconnect": 0}
        self.nonfinite_answers = 0
        self.constant_answers = 0
        self.guard_share = {"nonfinite": 0.0, "constant": 0.0}
        self.guard_trips = {"nonfinite": 0, "constant": 0}
        self.load_s: float | None = None
        self.batch_limit_rows = 1
        self.warm_up_s: Mapping[int, float] = {}
        self.model_info: Mapping[str, str] = {}
        self.ready = False
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    @property
    def held_bytes(self) -> int:
        """All that large requests make this process hold, their bodies included."""
        claimed_bytes = self.claimed_bytes - self.released_bytes
        return self.in_flight_bytes + self.reserved_bytes + self.unsent_bytes + claimed_bytes

    def ended(self, role: str, duration_s: float, body_bytes: int) -> None:
        """Count the end of a request that held a body of that size."""
        self.in_flight_bytes -= body_bytes
        self.request_s[role].observe(duration_s)
        self._unfolded += 1
        if self._unfolded >= _UNFOLDED:
            self._unfolded = 0
            for each in (*self.request_s.values(), *self._steps()):
                each.fold()

    def _steps(self) -> Iterator[Histogram]:
        """What is measured of each step of a request, or of each run of the model."""
        yield from (self.decode_s, self.queue_s, self.batch_wait_s)
        yield from (self.compute_s, self.encode_s, self.batch_rows)

    def exposition(self) -> bytes:
        """Prometheus' text format, version 0.0.4."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """The families, as the client library asks for them when somebody scrapes."""
        yield from self._counters()
        yield from self._gauges()
        durations: dict[tuple[str, str] | None, Histogram] = {
            ("role", role): each for role, each in self.request_s.items()
        }
        yield self._histogram(
            "request_duration_seconds", "From the request's headers to its answer.", durations
        )
        for name, text, each in (
            ("decode_duration_seconds", "From a request's headers to its arrays.", self.decode_s),
            ("queue_duration_seconds", "A request waited for the model.", self.queue_s),
            ("batch_wait_seconds", "A request was held back for others.", self.batch_wait_s),
            ("compute_duration_seconds", "One run of the model.", self.compute_s),
            ("encode_duration_seconds", "From a request's outputs to its answer.", self.encode_s),
            ("batch_rows", "Rows in one run of the model.", self.batch_rows),
        ):
            yield self._histogram(name, text, {None: each})

    def _counters(self) -> Iterator[Metric]:
        requests = self._counter("requests", "Answered inference requests.", "role", "code")
        for (role, code), number in self.requests.items():
            requests.add_metric([*self._labels.values(), role, str(code)], number)
        yield requests
        calls = self._counter("grpc_calls", "Answered gRPC calls of all methods.", "method", "code")
        for (method, code), number in self.grpc_calls.items():
            calls.add_metric([*self._labels.values(), method, str(code)], number)
        yield calls
        nonfinite, constant = {"": self.nonfinite_answers}, {"": self.constant_answers}
        for name, text, label, numbers in (
            ("requests_rejected", "Requests turned away at once.", "reason", self.rejected),
            ("requests_dropped", "Admitted, and not run any more.", "reason", self.dropped),
            ("connections_closed", "Closed early.", "reason", self.connections_closed),
            ("output_guard_trips", "Times the outputs became suspect.", "kind", self.guard_trips),
            ("nonfinite_answers", "Answers that hold NaN or an infinity.", "", nonfinite),
            ("constant_answers", "Equal for different inputs, of those looked at.", "", constant),
        ):
            family = self._counter(name, text, *([label] if label else []))
            for value, number in numbers.items():
                family.add_metric([*self._labels.values(), *([value] if label else [])], number)
            yield family

    def _gauges(self) -> Iterator[Metric]:
        for name, text, value in (
            ("requests_in_flight", "Admitted and not yet answered.", self.in_flight),
            ("requests_receiving", "Whose bodies are on their way.", self.receiving),
            ("request_bytes_in_flight", "Bytes of their bodies.", self.in_flight_bytes),
            ("connections", "Open now.", self.connections()),
            ("connections_limit", "Past it idle ones are closed.", self.connections_limit),
            ("request_memory_bytes", "Held for them, bodies included.", self.held_bytes),
            ("queue_depth", "Requests that wait for the model.", self.queue_depth()),
            ("batch_limit_rows", "Most rows that run together.", self.batch_limit_rows),
            ("ready", "1 while new requests are wanted, else 0.", float(self.ready)),
        ):
            yield self._gauge(name, text, (None, value))
        limits = [(("limit", name), float(value)) for name, value in self.limits.items()]
        yield self._gauge("request_limit", "What requests may take, in bytes or numbers.", *limits)
        memory = [(("part", name), float(value)) for name, value in self.memory.items()]
        yield self._gauge("memory_plan_bytes", "How this process divides its memory.", *memory)
        runs = [(("rows", str(rows)), seconds) for rows, seconds in self.warm_up_s.items()]
        yield self._gauge("warm_up_run_seconds", "One run at start, by rows.", *runs)
        text = "Share of the last answers that the output guard objects to."
        shares = [(("kind", kind), share) for kind, share in self.guard_share.items()]
        yield self._gauge("output_guard_share", text, *shares)
        if self.load_s is not None:
            text = "From process start to ready."
            yield self._gauge("model_load_seconds", text, (None, self.load_s))
        info = InfoMetricFamily("modelserver_model", "What is served.", labels=[*self._labels])
        info.add_metric([*self._labels.values()], dict(self.model_info))
        yield info

    def _counter(self, name: str, text: str, *labels: str) -> CounterMetricFamily:
        return CounterMetricFamily(f"modelserver_{name}", text, labels=[*self._labels, *labels])

    def _gauge(self, name: str, text: str, *series: _Series) -> GaugeMetricFamily:
        """One gauge: of several `series` each has the same further label."""
        extra = [pair[0] for pair, _ in series if pair][:1]
        family = GaugeMetricFamily(f"modelserver_{name}", text, labels=[*self._labels, *extra])
        for pair, value in series:
            family.add_metric([*self._labels.values(), *(pair or ())[1:]], value)
        return family

    def _histogram(
        self, name: str, text: str, series: Mapping[tuple[str, str] | None, Histogram]
    ) -> HistogramMetricFamily:
        """One histogram: of several `series` each has the same further label."""
        extra = [pair[0] for pair in series if pair][:1]
        family = HistogramMetricFamily(f"modelserver_{name}", text, labels=[*self._labels, *extra])
        for pair, each in series.items():
            values = [*self._labels.values(), *(pair or ())[1:]]
            family.add_metric(values, each.buckets(), each.total)
        return family
