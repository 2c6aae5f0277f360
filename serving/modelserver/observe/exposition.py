"""The metrics of one server process as Prometheus' text.

Apart from the numbers themselves, since the client library takes a while to import: a start has
nothing to expose.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

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
from modelserver.observe.metrics import Metrics

# A further label with its value, if there is one, and the number.
_Series = tuple[tuple[str, str] | None, float]


def of(metrics: Metrics) -> Callable[[], bytes]:
    """What gives the exposition of these metrics: Prometheus' text format, version 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(metrics))
    ProcessCollector(registry=registry)
    return partial(generate_latest, registry)


class _Families(Collector):
    """The numbers as families, as the client library asks for them when somebody scrapes."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._labels = metrics.labels

    def collect(self) -> Iterator[Metric]:
        """All families."""
        found = self._metrics
        yield from self._counters()
        yield from self._gauges()
        durations: dict[tuple[str, str] | None, Histogram] = {
            ("role", role): each for role, each in found.request_s.items()
        }
        yield self._histogram(
            "request_duration_seconds", "From the request's headers to its answer.", durations
        )
        for name, text, each in (
            ("decode_duration_seconds", "From a request's headers to its arrays.", found.decode_s),
            ("queue_duration_seconds", "A request waited for the model.", found.queue_s),
            ("batch_wait_seconds", "A request was held back for others.", found.batch_wait_s),
            ("compute_duration_seconds", "One run of the model.", found.compute_s),
            ("encode_duration_seconds", "From a request's outputs to its answer.", found.encode_s),
            ("batch_rows", "Rows in one run of the model.", found.batch_rows),
        ):
            yield self._histogram(name, text, {None: each})

    def _counters(self) -> Iterator[Metric]:
        found = self._metrics
        requests = self._counter("requests", "Answered inference requests.", "role", "code")
        for (role, code), number in found.requests.items():
            requests.add_metric([*self._labels.values(), role, str(code)], number)
        yield requests
        calls = self._counter("grpc_calls", "Answered gRPC calls of all methods.", "method", "code")
        for (method, code), number in found.grpc_calls.items():
            calls.add_metric([*self._labels.values(), method, str(code)], number)
        yield calls
        nonfinite, constant = {"": found.nonfinite_answers}, {"": found.constant_answers}
        for name, text, label, numbers in (
            ("requests_rejected", "Requests turned away at once.", "reason", found.rejected),
            ("requests_dropped", "Admitted, and not run any more.", "reason", found.dropped),
            ("connections_closed", "Closed early.", "reason", found.connections_closed),
            ("output_guard_trips", "Times the outputs became suspect.", "kind", found.guard_trips),
            ("nonfinite_answers", "Answers that hold NaN or an infinity.", "", nonfinite),
            ("constant_answers", "Equal for different inputs, of those looked at.", "", constant),
        ):
            family = self._counter(name, text, *([label] if label else []))
            for value, number in numbers.items():
                family.add_metric([*self._labels.values(), *([value] if label else [])], number)
            yield family

    def _gauges(self) -> Iterator[Metric]:
        found = self._metrics
        for name, text, value in (
            ("requests_in_flight", "Admitted and not yet answered.", found.in_flight),
            ("requests_receiving", "Whose bodies are on their way.", found.receiving),
            ("request_bytes_in_flight", "Bytes of their bodies.", found.in_flight_bytes),
            ("connections", "Open now.", found.connections()),
            ("connections_limit", "Past it idle ones are closed.", found.connections_limit),
            ("request_memory_bytes", "Held for them, bodies included.", found.held_bytes),
            ("queue_depth", "Requests that wait for the model.", found.queue_depth()),
            ("batch_limit_rows", "Most rows that run together.", found.batch_limit_rows),
            ("ready", "1 while new requests are wanted, else 0.", float(found.ready)),
        ):
            yield self._gauge(name, text, (None, value))
        limits = [(("limit", name), float(value)) for name, value in found.limits.items()]
        yield self._gauge("request_limit", "What requests may take, in bytes or numbers.", *limits)
        memory = [(("part", name), float(value)) for name, value in found.memory.items()]
        yield self._gauge("memory_plan_bytes", "How this process divides its memory.", *memory)
        runs = [(("rows", str(rows)), seconds) for rows, seconds in found.warm_up_s.items()]
        yield self._gauge("warm_up_run_seconds", "One run at start, by rows.", *runs)
        text = "Share of the last answers that the output guard objects to."
        shares = [(("kind", kind), share) for kind, share in found.guard_share.items()]
        yield self._gauge("output_guard_share", text, *shares)
        if found.load_s is not None:
            text = "From process start to ready."
            yield self._gauge("model_load_seconds", text, (None, found.load_s))
        info = InfoMetricFamily("modelserver_model", "What is served.", labels=[*self._labels])
        info.add_metric([*self._labels.values()], dict(found.model_info))
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
