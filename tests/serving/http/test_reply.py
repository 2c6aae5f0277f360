"""How HTTP says what came of an exchange."""

import json
import logging

import pytest

from modelserver.errors import Overloaded, RequestCrashed
from modelserver.http.reply import conclude
from modelserver.inference.exchange import Exchange
from modelserver.inference.lifecycle import Lifecycle
from modelserver.inference.limits import Limits
from modelserver.inference.shared import Inference
from modelserver.observe.metrics import Metrics

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GIVEN = {b"traceparent": f"00-{TRACE}-{PARENT}-01".encode()}


def ended() -> tuple[Inference, Exchange]:
    """An exchange that was not admitted, because nothing is loaded yet."""
    metrics = Metrics(model="sample", release="r1")
    limits = Limits(requests=1, body_bytes=100, total_bytes=400)
    inference = Inference(Lifecycle(metrics), metrics, limits)
    exchange = Exchange(inference, "canary", b"abc", lambda *_: None)
    exchange.admit()
    return inference, exchange


def test_error_becomes_status_and_json() -> None:
    """Each class of errors has its status, under which the request is counted."""
    inference, exchange = ended()

    status, answer, _ = conclude(inference, exchange, GIVEN, Overloaded("too many"))

    assert (503, {"error": "too many"}) == (status, json.loads(answer.body))
    assert {("canary", 503): 1} == inference.metrics.requests


def test_fault_of_the_server_is_logged_with_its_cause(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever reads the log finds what was raised, and by which ids others know the request."""
    inference, exchange = ended()
    error = RequestCrashed("the server failed")
    error.__cause__ = ZeroDivisionError("a fault")

    with caplog.at_level(logging.ERROR, "modelserver"):
        status, _, _ = conclude(inference, exchange, GIVEN, error)

    (line,) = caplog.records
    assert (500, "request-crashed") == (status, line.getMessage())
    assert {"request_id": "abc", "trace_id": TRACE} == line.fields
    assert "ZeroDivisionError: a fault" in caplog.text
