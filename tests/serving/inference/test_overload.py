"""More than a server can do: what waits is bounded, what nobody wants is not run."""

import asyncio
import json
import socket
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.serving import onnx_models
from tests.serving.conftest import write_release
from tests.serving.memory import MIB, resident_bytes
from tests.serving.wire import Connection, address, close, raw_request, read_answer

if TYPE_CHECKING:
    from tests.serving.conftest import Server, Start

SLOW = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [2]}]}
DEADLINE = "x-request-timeout-ms"
OVERLOAD_S = 3.0
FACTOR = 3
CONNECTIONS = 40


@pytest.mark.parametrize("header", [DEADLINE, "x-envoy-expected-rq-timeout-ms"])
def test_request_whose_time_is_over_is_not_run(tmp_path: Path, start: "Start", header: str) -> None:
    """A request that waits longer than it may is answered 504 and spares the model the work."""
    server = start(write_release(tmp_path, onnx_models.slow(200)))
    url = f"{server.url}/v2/models/sample/infer"
    server.until("ready")
    with ThreadPoolExecutor(1) as pool, httpx.Client(timeout=30) as client:
        first = pool.submit(server.infer, SLOW, timeout=30)
        server.until_metric("modelserver_requests_in_flight", 1)
        late = client.post(url, json=SLOW, headers={header: "1"})

        assert first.result().status_code == 200
    assert late.status_code == 504
    assert late.json()["error"] == "the request's time was over before it began to run"
    assert server.metric("modelserver_requests_dropped_total", reason="deadline") == 1
    assert server.metric("modelserver_compute_duration_seconds_count") == 1


def test_request_whose_client_is_gone_is_not_run(tmp_path: Path, start: "Start") -> None:
    """A client that hangs up while it waits spares the model the work, however it had sent it."""
    server = start(write_release(tmp_path, onnx_models.slow(40)))
    server.until("ready")
    whole = raw_request(json.dumps(SLOW).encode())
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(server.infer, SLOW, timeout=30)
        server.until_metric("modelserver_requests_in_flight", 1)
        with socket.create_connection(address(server)) as at_once:
            at_once.sendall(whole)
            with socket.create_connection(address(server)) as in_parts:
                in_parts.sendall(whole[:-5])
                server.until_metric("modelserver_requests_in_flight", 3)
                in_parts.sendall(whole[-5:])
                server.until_metric("modelserver_queue_depth", 2)

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


@dataclass
class Offered:
    """What clients saw of a load that does not wait for answers: status, seconds, when sent."""

    answers: list[tuple[int, float, float]] = field(default_factory=list)

    async def run(self, server: "Server", *, per_s: float, seconds: float) -> None:
        """Send requests at a constant rate, each on a connection that is free."""
        free: asyncio.Queue[Connection] = asyncio.Queue()
        for _ in range(CONNECTIONS):
            free.put_nowait(await asyncio.open_connection(*address(server)))
        began = time.perf_counter()
        pending: set[asyncio.Task[None]] = set()
        sent = 0
        while (now := time.perf_counter() - began) < seconds:
            while sent < now * per_s:
                connection = await free.get()
                pending.add(asyncio.create_task(self._one(connection, free, now)))
                sent += 1
            await asyncio.sleep(0.002)
        await asyncio.gather(*pending)
        while not free.empty():
            await close(free.get_nowait())

    async def _one(
        self,
        connection: Connection,
        free: asyncio.Queue[Connection],
        sent_s: float,
    ) -> None:
        reader, writer = connection
        began = time.perf_counter()
        writer.write(raw_request(json.dumps(SLOW).encode()))
        status, _, _ = await read_answer(reader)
        self.answers.append((status, time.perf_counter() - began, sent_s))
        free.put_nowait(connection)


def test_three_times_the_capacity(tmp_path: Path, start: "Start") -> None:
    """The model never idles, no run is in vain, admitted requests wait no longer, memory stays."""
    server = start(write_release(tmp_path, onnx_models.slow(3), MAX_INFLIGHT=8))
    run_s = server.until("ready")["run_ms"] / 1000
    asyncio.run(Offered().run(server, per_s=FACTOR / run_s, seconds=0.5))
    before = server.metric("modelserver_compute_duration_seconds_sum")
    resident = resident_bytes(server)
    load = Offered()
    began = time.perf_counter()
    asyncio.run(load.run(server, per_s=FACTOR / run_s, seconds=OVERLOAD_S))
    elapsed_s = time.perf_counter() - began
    busy_s = server.metric("modelserver_compute_duration_seconds_sum") - before

    good = [(taken_s, sent_s) for status, taken_s, sent_s in load.answers if status == 200]
    early = [taken_s for taken_s, sent_s in good if sent_s < OVERLOAD_S / 2]
    late = [taken_s for taken_s, sent_s in good if sent_s >= OVERLOAD_S / 2]
    assert {status for status, _, _ in load.answers} == {200, 503}
    assert busy_s / elapsed_s > 0.8
    assert server.metric("modelserver_compute_duration_seconds_count") == server.metric(
        "modelserver_requests_total", code="200"
    )
    assert statistics.median(late) < 2 * statistics.median(early)
    assert resident_bytes(server) - resident < 8 * MIB
    assert server.client.get(f"{server.url}/v2/health/ready").status_code == 200
