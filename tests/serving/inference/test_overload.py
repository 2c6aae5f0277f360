"""More than a server can do: what waits is bounded, what nobody wants is not run."""

import asyncio
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.serving import onnx_models
from tests.serving.conftest import write_release
from tests.serving.gate import GATED, shut
from tests.serving.memory import MIB, resident_bytes
from tests.serving.wire import address, close, raw_request, read_answer

if TYPE_CHECKING:
    from tests.serving.conftest import Server, Start

SLOW = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [2]}]}
DEADLINE = "x-request-timeout-ms"
MAX_INFLIGHT, CONNECTIONS = 8, 40
REQUESTS = 4000


@pytest.mark.parametrize("header", [DEADLINE, "x-envoy-expected-rq-timeout-ms"])
def test_request_whose_time_is_over_is_not_run(tmp_path: Path, start: "Start", header: str) -> None:
    """A request that waits longer than it may is answered 504 and spares the model the work."""
    server = start(write_release(tmp_path, onnx_models.slow(40)), GATED)
    server.until("ready")
    with ThreadPoolExecutor(2) as pool, shut(tmp_path):
        first = pool.submit(server.infer, SLOW)
        server.until_metric("modelserver_requests_in_flight", 1)
        late = pool.submit(server.infer, SLOW, headers={header: "1"})
        server.until_metric("modelserver_queue_depth", 1)

    assert first.result().status_code == 200
    assert late.result().status_code == 504
    assert late.result().json()["error"] == "the request's time was over before it began to run"
    assert server.metric("modelserver_requests_dropped_total", reason="deadline") == 1
    assert server.metric("modelserver_compute_duration_seconds_count") == 1


def test_request_whose_client_is_gone_is_not_run(tmp_path: Path, start: "Start") -> None:
    """A client that hangs up while it waits spares the model the work, however it had sent it."""
    server = start(write_release(tmp_path, onnx_models.slow(40)), GATED)
    server.until("ready")
    whole = raw_request(json.dumps(SLOW).encode())
    with ThreadPoolExecutor(1) as pool, shut(tmp_path):
        first = pool.submit(server.infer, SLOW)
        server.until_metric("modelserver_requests_in_flight", 1)
        before = server.metric("process_open_fds")
        with (
            socket.create_connection(address(server)) as at_once,
            socket.create_connection(address(server)) as in_parts,
        ):
            at_once.sendall(whole)
            in_parts.sendall(whole[:-5])
            server.until_metric("modelserver_requests_in_flight", 2)
            server.until_metric("modelserver_requests_receiving", 1)
            in_parts.sendall(whole[-5:])
            server.until_metric("modelserver_queue_depth", 2)
        server.until_metric("process_open_fds", before)

    assert first.result().status_code == 200
    server.until_metric("modelserver_requests_in_flight", 0)
    assert server.metric("modelserver_requests_dropped_total", reason="disconnect") == 2
    assert server.metric("modelserver_compute_duration_seconds_count") == 1


def test_bodies_are_bounded_in_bytes(tmp_path: Path, start: "Start") -> None:
    """Bodies that are held together have a bound of their own, which frees itself."""
    limits = {"MAX_BODY_BYTES": 3000, "MAX_INFLIGHT_BYTES": 3000}
    server = start(write_release(tmp_path, onnx_models.slow(1), **limits))
    server.until("ready")
    large = json.dumps(SLOW).encode() + b" " * 1000
    url = f"{server.url}/v2/models/sample/infer"
    with socket.create_connection(address(server)) as holding:
        holding.sendall(raw_request(b" " * 2900)[:-10])
        server.until_metric("modelserver_request_bytes_in_flight", 2890)
        refused = server.client.post(url, content=large)
    server.until_metric("modelserver_request_bytes_in_flight", 0)
    served = server.client.post(url, content=large)

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["error"].startswith("2890 bytes of request bodies are in flight")
    assert served.status_code == 200
    assert server.metric("modelserver_requests_rejected_total", reason="overloaded_bytes") == 1


async def offer(server: "Server") -> list[int]:
    """Statuses of many requests: a connection sends its next one as soon as it has an answer."""
    left, statuses = iter(range(REQUESTS)), []

    async def client() -> None:
        connection = await asyncio.open_connection(*address(server))
        for _ in left:
            connection[1].write(raw_request(json.dumps(SLOW).encode()))
            status, _, _ = await read_answer(connection[0])
            statuses.append(status)
        await close(connection)

    await asyncio.gather(*(client() for _ in range(CONNECTIONS)))
    return statuses


def test_far_more_than_the_capacity(tmp_path: Path, start: "Start") -> None:
    """What is beyond it is refused: no run is in vain, memory stays, and the server is ready."""
    server = start(write_release(tmp_path, onnx_models.slow(3), MAX_INFLIGHT=MAX_INFLIGHT))
    server.until("ready")
    asyncio.run(offer(server))
    before = resident_bytes(server)

    statuses = asyncio.run(offer(server))

    assert set(statuses) == {200, 503}
    assert server.metric("modelserver_compute_duration_seconds_count") == server.metric(
        "modelserver_requests_total", code="200"
    )
    assert resident_bytes(server) - before < 8 * MIB
    assert server.client.get(f"{server.url}/v2/health/ready").status_code == 200
