"""Bounds that hold whatever a client sends."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.serving import onnx_models
from tests.serving.asking import GOOD
from tests.serving.conftest import start_server, write_release
from tests.serving.gate import GATED, shut
from tests.serving.memory import MIB, peak_bytes

if TYPE_CHECKING:
    from tests.serving.conftest import Server, Start

SLOW = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [2]}]}


@pytest.fixture(scope="module")
def default_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Server"]:
    """A server with the default limits."""
    folder = tmp_path_factory.mktemp("default")
    server = start_server(write_release(folder, onnx_models.affine()), folder / "server.log")
    server.until("ready")
    yield server
    server.close()


def test_announced_size_over_the_limit(default_server: "Server") -> None:
    """A body of more than 64 MiB is refused by its announcement, unread."""
    default_server.infer(GOOD)
    before = peak_bytes(default_server)
    response = default_server.client.post(
        f"{default_server.url}/v2/models/sample/infer", content=b" " * (65 * MIB), timeout=30
    )

    assert response.status_code == 413
    assert response.json()["error"] == (
        f"header Content-Length: found {65 * MIB} bytes, expected at most {64 * MIB}"
    )
    assert peak_bytes(default_server) - before < 8 * MIB


def test_stream_over_the_limit(tmp_path: Path, start: "Start") -> None:
    """A body without an announced size is refused as soon as it is too large, and thrown away."""
    server = start(write_release(tmp_path, onnx_models.affine(), MAX_BODY_BYTES=MIB))
    server.until("ready")
    server.infer(GOOD)
    before = peak_bytes(server)
    response = server.client.post(
        f"{server.url}/v2/models/sample/infer",
        content=(b" " * MIB for _ in range(64)),
        timeout=30,
    )

    assert response.status_code == 413
    assert response.json()["error"].startswith(f"body: found more than {MIB} bytes")
    assert peak_bytes(server) - before < 8 * MIB
    assert server.infer(GOOD).status_code == 200


def test_small_body_over_a_small_limit(tmp_path: Path, start: "Start") -> None:
    """The limit holds for bodies that arrive whole as well."""
    server = start(write_release(tmp_path, onnx_models.affine(), MAX_BODY_BYTES=50))
    server.until("ready")

    assert server.infer(GOOD).status_code == 413


def test_more_requests_than_allowed(tmp_path: Path, start: "Start") -> None:
    """Past MAX_INFLIGHT the answer is 503 at once, with the time to come back, and nobody waits."""
    server = start(write_release(tmp_path, onnx_models.slow(40), MAX_INFLIGHT=2), GATED)
    server.until("ready")
    with ThreadPoolExecutor(2) as pool, shut(tmp_path):
        admitted = [pool.submit(server.infer, SLOW) for _ in range(2)]
        server.until_metric("modelserver_requests_in_flight", 2)
        refused = [server.infer(SLOW) for _ in range(10)]

    assert [each.result().status_code for each in admitted] == [200, 200]
    assert {(each.status_code, each.headers["retry-after"]) for each in refused} == {(503, "1")}
    assert server.metric("modelserver_requests_rejected_total", reason="overloaded") == 10
    server.until_metric("modelserver_requests_in_flight", 0)


def test_health_answers_while_the_model_is_busy(tmp_path: Path, start: "Start") -> None:
    """A slow model runs in a thread of its own: readiness is answered before it."""
    server = start(write_release(tmp_path, onnx_models.slow(40)), GATED)
    server.until("ready")
    with ThreadPoolExecutor(1) as pool, shut(tmp_path):
        answer = pool.submit(server.infer, SLOW)
        server.until_metric("modelserver_requests_in_flight", 1)
        ready = server.client.get(f"{server.url}/v2/health/ready")

    assert answer.result().status_code == ready.status_code == 200


LOGARITHM = {"name": "x", "shape": [1, 2], "datatype": "FP32"}


@pytest.fixture
def logarithm(tmp_path: Path, start: "Start") -> "Server":
    """A server whose model gives NaN for -1 and an infinity for 0."""
    server = start(write_release(tmp_path, onnx_models.logarithm()))
    server.until("ready")
    return server


def test_nan_is_null_and_counted(logarithm: "Server") -> None:
    """A model that yields NaN gives null, which clients read as NaN; the metric says how often."""
    answer = logarithm.infer({"inputs": [LOGARITHM | {"data": [-1, -1]}]}).json()

    assert answer["outputs"][0]["data"] == [None, None]
    assert logarithm.metric("modelserver_nonfinite_answers_total") == 1


@pytest.mark.parametrize("rows", [1, 20_000])
def test_infinity_is_refused_by_name(logarithm: "Server", rows: int) -> None:
    """JSON has no number for it, and null is another value; it is counted all the same."""
    tensor = LOGARITHM | {"shape": [rows, 2], "data": [1, 0] * rows}

    response = logarithm.infer({"inputs": [tensor]})

    assert response.status_code == 406
    assert response.json()["error"].startswith("outputs.y: found an infinity, which JSON has no ")
    assert logarithm.metric("modelserver_nonfinite_answers_total") == 1


@pytest.mark.parametrize("rows", [1, 20_000])
def test_infinity_as_binary_data(logarithm: "Server", rows: int) -> None:
    """Bytes carry it as it is."""
    tensor = LOGARITHM | {"shape": [rows, 2], "data": [1, 0] * rows}
    parameters = {"binary_data_output": True}

    response = logarithm.infer({"inputs": [tensor], "parameters": parameters})

    head = int(response.headers["inference-header-content-length"])
    assert [0, -np.inf] * rows == np.frombuffer(response.content[head:], np.float32).tolist()
