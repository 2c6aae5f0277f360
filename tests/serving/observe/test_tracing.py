"""Spans of a real server, received as an OpenTelemetry collector receives them."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from modelserver.observe import tracing
from tests.serving import onnx_models
from tests.serving.conftest import write_release
from waiting import until

if TYPE_CHECKING:
    from tests.serving.conftest import Server, Start

GOOD = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [0, 1, 2, 3]}]}
BAD = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [0]}]}
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

with_sdk = pytest.mark.skipif(
    find_spec("opentelemetry.sdk") is None, reason="modelserver[otel] is not installed"
)


class Collector:
    """An OTLP endpoint over HTTP that keeps every span."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.resource: dict[str, str] = {}
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector.take(self.path, body)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def take(self, path: str, body: bytes) -> None:
        """Keep what came."""
        from opentelemetry.proto.collector.trace.v1 import (  # noqa: PLC0415 - may be absent
            trace_service_pb2,
        )

        assert path == "/v1/traces"
        request = trace_service_pb2.ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            self.resource = {
                each.key: each.value.string_value for each in resource.resource.attributes
            }
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def until(self, number: int) -> list[Any]:
        """So many spans, waited for."""
        return until(lambda: self.spans, lambda spans: len(spans) >= number)


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on the loopback interface."""
    found = Collector()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


@pytest.fixture
def traced(tmp_path: Path, start: "Start", collector: Collector) -> "Server":
    """A ready server that sends its spans to the collector and logs every request."""
    environment = write_release(
        tmp_path, onnx_models.affine(), BATCHING_MAX_SIZE=8, ACCESS_LOG_SAMPLE=1
    )
    server = start(
        environment
        | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "20"}
    )
    server.until("ready")
    return server


def attributes(span: Any) -> dict[str, Any]:  # noqa: ANN401 - the protocol's own class
    """Of a span, each as a plain value."""
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes
    }


@with_sdk
def test_request_becomes_a_span(traced: "Server", collector: Collector) -> None:
    """One span a request, with what it was, how it ended and how long each step took."""
    began = time.time_ns()
    traced.infer(GOOD, headers={"x-request-id": "abc", "x-model-role": "canary"})
    (span,) = collector.until(1)
    found = attributes(span)
    steps = [found[f"modelserver.{step}_s"] for step in ("decode", "queue", "compute", "encode")]

    assert span.name == "infer sample"
    assert began <= span.start_time_unix_nano < span.end_time_unix_nano <= time.time_ns()
    assert found["http.response.status_code"] == 200
    assert (found["modelserver.model"], found["modelserver.release"]) == ("sample", "r1")
    assert (found["modelserver.role"], found["modelserver.request_id"]) == ("canary", "abc")
    assert found["modelserver.batch_rows"] == 1
    assert all(step >= 0 for step in steps)
    assert sum(steps) <= (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9 + 1e-6
    assert collector.resource["service.name"] == "modelserver"


@with_sdk
def test_parent_is_kept_and_passed_on(traced: "Server", collector: Collector) -> None:
    """The caller's trace goes on: in the span, in the answer's header and in the log."""
    response = traced.infer(GOOD, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    (span,) = collector.until(1)
    own = span.span_id.hex()
    logged = traced.until("request")

    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert response.headers["traceresponse"] == f"00-{TRACE}-{own}-01"
    assert (logged["trace_id"], logged["span_id"]) == (TRACE, own)


@with_sdk
def test_caller_decides_whether_it_is_sampled(traced: "Server", collector: Collector) -> None:
    """A parent that is not sampled has no span here, yet its trace stands in answer and log."""
    response = traced.infer(GOOD, headers={"traceparent": f"00-{TRACE}-{PARENT}-00"})
    traced.infer(GOOD, headers={"x-request-id": "sampled"})
    (span,) = collector.until(1)

    assert attributes(span)["modelserver.request_id"] == "sampled"
    assert response.headers["traceresponse"].startswith(f"00-{TRACE}-")
    assert response.headers["traceresponse"].endswith("-00")


@with_sdk
def test_malformed_parent_begins_a_trace(traced: "Server", collector: Collector) -> None:
    """What is not W3C Trace Context is no parent, and no error either."""
    response = traced.infer(GOOD, headers={"traceparent": f"00-{'0' * 32}-{PARENT}-01"})
    (span,) = collector.until(1)

    assert response.status_code == 200
    assert span.parent_span_id == b""


@with_sdk
def test_refused_request_is_a_span_without_a_run(traced: "Server", collector: Collector) -> None:
    """A request that never came to the model has its status and no steps."""
    traced.infer(BAD)
    (span,) = collector.until(1)

    assert attributes(span)["http.response.status_code"] == 400
    assert "modelserver.compute_s" not in attributes(span)


@with_sdk
def test_large_body_is_traced_as_well(traced: "Server", collector: Collector) -> None:
    """The way through ASGI, which bodies in parts take, gives the same span and header."""
    tensor = GOOD["inputs"][0] | {"shape": [20_000, 4], "data": [0.5] * 80_000}
    response = traced.infer({"inputs": [tensor]})
    (span,) = collector.until(1)

    assert response.headers["traceresponse"].split("-")[2] == span.span_id.hex()
    assert attributes(span)["modelserver.batch_rows"] == 20_000


@with_sdk
def test_last_spans_are_sent_before_the_end(
    tmp_path: Path, start: "Start", collector: Collector
) -> None:
    """A server that ends sends what it still has."""
    server = start(
        write_release(tmp_path, onnx_models.affine())
        | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "60000"}
    )
    server.until("ready")
    server.infer(GOOD)

    assert server.stop() == 0
    assert len(collector.spans) == 1


@with_sdk
def test_unreachable_collector_harms_nobody(tmp_path: Path, start: "Start") -> None:
    """Requests are answered and the server ends in time, whether or not anybody takes spans."""
    server = start(
        write_release(tmp_path, onnx_models.affine())
        | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "20"}
    )
    server.until("ready")

    assert server.infer(GOOD).status_code == 200
    assert server.stop() == 0


@pytest.mark.skipif(find_spec("opentelemetry.sdk") is not None, reason="the SDK is installed")
def test_missing_extra_is_a_warning(tmp_path: Path, start: "Start") -> None:
    """An endpoint without the extra is said at start, and the server serves."""
    server = start(
        write_release(tmp_path, onnx_models.affine())
        | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    )
    server.until("ready")

    assert "use an image with modelserver[otel]" in server.events("tracing-off")[0]["detail"]
    assert server.infer(GOOD).status_code == 200


@pytest.mark.parametrize(
    "environment",
    [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}]
    + [{name: "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"} for name in tracing.ENDPOINTS],
)
def test_no_tracer_unless_asked_for(environment: dict[str, str]) -> None:
    """Without an endpoint, or with the SDK disabled, nothing is imported and nothing is made."""
    assert tracing.tracer(model="sample", release="r1", environment=environment) is None


def test_answer_has_no_trace_header_without_a_tracer(affine_server: "Server") -> None:
    """A server without traces adds nothing to its answers."""
    response = affine_server.infer(GOOD, headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})

    assert "traceresponse" not in response.headers
