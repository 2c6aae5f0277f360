"""What a real server process counts and logs."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.serving.conftest import Server
from tests.serving.asking import GOOD


@pytest.mark.parametrize(
    ("headers", "role"),
    [
        ({}, "direct"),
        ({"x-model-role": "canary"}, "canary"),
        ({"x-model-role": "stable"}, "stable"),
        ({"x-model-role": "shared"}, "shared"),
        ({"x-model-role": "anything"}, "direct"),
        ({"host": "models.example.com-shadow:8080", "x-model-role": "stable"}, "shadow"),
        ({"host": "models.example.com-shadow"}, "shadow"),
    ],
)
def test_requests_are_counted_by_role(
    affine_server: "Server", headers: dict[str, str], role: str
) -> None:
    """The route's role is a label with few values, whatever a client writes."""
    labels = {"role": role, "code": "200", "model": "sample", "release": "r1"}
    before = affine_server.metric("modelserver_requests_total", **labels)
    affine_server.infer(GOOD, headers=headers)

    after = affine_server.metric("modelserver_requests_total", **labels)

    assert after - before == 1


def test_metrics_follow_the_conventions(affine_server: "Server") -> None:
    """Counters end in _total, sizes and times carry their unit, and every series its labels."""
    affine_server.infer(GOOD)
    response = affine_server.client.get(f"{affine_server.url}/metrics")
    text = response.text
    types = dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE"))

    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert [name for name, kind in types.items() if kind == "counter"] == [
        name for name in types if name.endswith("_total")
    ]
    assert types["modelserver_request_duration_seconds"] == "histogram"
    assert types["modelserver_compute_duration_seconds"] == "histogram"
    assert types["modelserver_requests_in_flight"] == "gauge"
    assert 'modelserver_ready{model="sample",release="r1"} 1.0' in text
    assert affine_server.metric("modelserver_requests_in_flight") == 0
    assert affine_server.metric("modelserver_model_info", provider="CPUExecutionProvider") == 1
    assert affine_server.metric("modelserver_model_load_seconds") > 0
    assert affine_server.metric("process_resident_memory_bytes") > 1e6


def test_histogram_counts_every_request(affine_server: "Server") -> None:
    """The last bucket, the count and the requests by status agree."""
    for _ in range(3):
        affine_server.infer(GOOD)
    for step in ("decode", "queue", "encode"):
        assert affine_server.metric(f"modelserver_{step}_duration_seconds_count") >= 3
    assert affine_server.metric("modelserver_queue_depth") == 0
    count = affine_server.metric("modelserver_request_duration_seconds_count")
    last = affine_server.metric("modelserver_request_duration_seconds_bucket", le="+Inf")

    assert count == last == affine_server.metric("modelserver_requests_total")


def test_log_is_json_without_payloads(affine_server: "Server") -> None:
    """Every line is one JSON object with model and release, and no request shows up."""
    affine_server.infer(GOOD)
    events = affine_server.events()

    assert [event["event"] for event in events] == ["listening", "ready"]
    assert {(event["model"], event["release"]) for event in events} == {("sample", "r1")}
    assert {"time", "level"} <= events[0].keys()
