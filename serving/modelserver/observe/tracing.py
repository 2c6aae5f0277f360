"""One OpenTelemetry span for each inference request, where an endpoint to send them to is set.

Without `OTEL_EXPORTER_OTLP_ENDPOINT` there is no tracer, and a request pays for one comparison. The
SDK and its exporter are the extra `otel`; its own variables (`OTEL_TRACES_SAMPLER`,
`OTEL_EXPORTER_OTLP_HEADERS` and the like) hold as its documentation says.

Source: W3C Trace Context (traceparent, tracestate, traceresponse).
"""

import os
import re
import time
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, NamedTuple

from modelserver import __version__
from modelserver.observe import logs

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Variables that name where spans are sent; the first that is set counts."""

_FAILED = 500  # statuses from this one on are the server's fault: the span is an error
_FLUSH_MS = 2000  # a collector that does not answer must not hold up the end of the process
_CONTEXT = (b"traceparent", b"tracestate")
_TRACEPARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"
)


class Steps(NamedTuple):
    """When a request took which step, by `time.perf_counter`; None for one that it never took."""

    started: float
    decoded: float | None
    submitted: float | None
    run_began: float | None
    run_s: float
    answered: float

    def attributes(self) -> Iterator[tuple[str, float]]:
        """The seconds of each step that was taken, by the names that the metrics have."""
        if self.decoded is None or self.submitted is None:
            return
        yield "modelserver.decode_s", self.decoded - self.started
        if self.run_began is None:
            return
        yield "modelserver.batch_wait_s", self.submitted - self.decoded
        yield "modelserver.queue_s", self.run_began - self.submitted
        yield "modelserver.compute_s", self.run_s
        yield "modelserver.encode_s", self.answered - self.run_began - self.run_s


class Tracer:
    """Makes spans of requests that have ended, and sends them from a thread of its own."""

    def __init__(self, *, model: str, release: str) -> None:
        self._api: Any = import_module("opentelemetry.trace")
        self._propagator: Any = import_module(
            "opentelemetry.trace.propagation.tracecontext"
        ).TraceContextTextMapPropagator()
        self._provider = _provider()
        self._tracer = self._provider.get_tracer("modelserver", __version__)
        self._constants = {
            "http.request.method": "POST",
            "modelserver.model": model,
            "modelserver.release": release,
        }

    def record(
        self, given: Mapping[bytes, bytes], steps: Steps, *, status: int, **own: str | int
    ) -> bytes:
        """Make the span of a request that has ended; the header `traceresponse` that names it.

        `given` are the request's headers. If they name a parent in `traceparent`, that one decides
        whether the span is sampled.
        """
        ended_ns = time.time_ns()
        found = {name.decode(): given[name].decode("latin-1") for name in _CONTEXT if name in given}
        span = self._tracer.start_span(
            f"infer {self._constants['modelserver.model']}",
            context=self._propagator.extract(found),
            kind=self._api.SpanKind.SERVER,
            attributes={
                **self._constants,
                "http.response.status_code": status,
                **{f"modelserver.{name}": value for name, value in own.items()},
                **dict(steps.attributes()),
            },
            start_time=ended_ns - int((steps.answered - steps.started) * 1e9),
        )
        if status >= _FAILED:
            span.set_status(self._api.StatusCode.ERROR)
        span.end(ended_ns)
        context = span.get_span_context()
        flags = int(context.trace_flags)
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags:02x}".encode()

    def close(self) -> None:
        """Send the spans that were not sent yet, in a bounded time."""
        self._provider.force_flush(_FLUSH_MS)


def tracer(
    *, model: str, release: str, environment: Mapping[str, str] = MappingProxyType(os.environ)
) -> Tracer | None:
    """A tracer where the environment names an endpoint and the extra is there, else None.

    A server without traces is better than none: a missing extra is a warning.
    """
    named = [name for name in ENDPOINTS if environment.get(name)]
    if not named or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    try:
        found = Tracer(model=model, release=release)
    except ImportError as error:
        logs.warning(
            "tracing-off",
            detail=f"found {named[0]} but no OpenTelemetry SDK ({error}), expected both or "
            "neither; use an image with modelserver[otel] or unset the variable",
        )
        return None
    logs.info("tracing-on", endpoint=logs.without_credentials(environment[named[0]]))
    return found


def trace_id(given: Mapping[bytes, bytes]) -> str | None:
    """The id of the trace, through several services, that a request belongs to; None without one.

    Source: W3C Trace Context, header traceparent, version 00 and what later ones keep of it.
    """
    match = _TRACEPARENT.fullmatch(given.get(b"traceparent", b""))
    return match["trace"].decode() if match and match["trace"].strip(b"0") else None


def ids(traceresponse: bytes) -> dict[str, str]:
    """The ids in a header `traceresponse`, as log lines name them."""
    _, trace_id, span_id, _ = traceresponse.decode().split("-")
    return {"trace_id": trace_id, "span_id": span_id}


def _provider() -> Any:  # noqa: ANN401 - the SDK is optional
    resources = import_module("opentelemetry.sdk.resources")
    sdk = import_module("opentelemetry.sdk.trace")
    export = import_module("opentelemetry.sdk.trace.export")
    otlp = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    own = resources.Resource({"service.name": "modelserver", "service.version": __version__})
    provider = sdk.TracerProvider(
        resource=own.merge(resources.OTELResourceDetector().detect()), shutdown_on_exit=False
    )
    provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter()))
    return provider
