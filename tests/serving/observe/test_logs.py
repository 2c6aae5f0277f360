"""What is said about single requests, and how it is found again."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from modelserver.observe import tracing
from tests.serving import onnx_models
from tests.serving.asking import GOOD
from tests.serving.conftest import write_release

if TYPE_CHECKING:
    from tests.serving.conftest import Server, Start

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("traceparent", "trace_id"),
    [
        (f"00-{TRACE}-{PARENT}-01", TRACE),
        (f"cc-{TRACE}-{PARENT}-01-what-comes-later", TRACE),
        (f"ff-{TRACE}-{PARENT}-01", None),
        (f"00-{'0' * 32}-{PARENT}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{PARENT}-01", None),
        ("", None),
    ],
)
def test_trace_context(traceparent: str, trace_id: str | None) -> None:
    """The trace id of a valid header, and nothing of any other."""
    assert tracing.trace_id({b"traceparent": traceparent.encode()}) == trace_id


def test_access_log(tmp_path: Path, start: "Start") -> None:
    """One line a request, with its ids, role, status, sizes and time, and no payload."""
    server = start(write_release(tmp_path, onnx_models.affine(), ACCESS_LOG_SAMPLE=1))
    server.until("ready")
    answer = server.infer(
        GOOD,
        headers={
            "x-request-id": "seven",
            "x-model-role": "canary",
            "traceparent": f"00-{TRACE}-{PARENT}-01",
        },
    )

    line = server.until("request")

    assert (line["request_id"], line["trace_id"]) == ("seven", TRACE)
    assert (line["role"], line["code"]) == ("canary", 200)
    assert line["answer_bytes"] == len(answer.content)
    assert line["body_bytes"] == int(answer.request.headers["content-length"])
    assert line["duration_s"] > 0


def test_access_log_is_off_by_default(affine_server: "Server") -> None:
    """Nobody pays for lines that nobody asked for."""
    affine_server.infer(GOOD)

    assert affine_server.events("request") == []


def test_log_and_answer_have_the_same_id(tmp_path: Path, start: "Start") -> None:
    """An id that the server made is in both."""
    server = start(write_release(tmp_path, onnx_models.affine(), ACCESS_LOG_SAMPLE=1))
    server.until("ready")

    answer = server.infer({"inputs": []})

    assert answer.status_code == 400
    assert server.until("request")["request_id"] == answer.headers["x-request-id"]
