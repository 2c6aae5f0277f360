"""From a signal to the exit code, with real processes."""

import errno
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from modelserver import errors
from tests.serving import onnx_models
from tests.serving.asking import GOOD
from tests.serving.conftest import DEADLINE_S, write_release
from tests.serving.gate import GATED, shut
from tests.serving.wire import address
from waiting import until

if TYPE_CHECKING:
    from tests.serving.conftest import Server, Start


SLOW = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [2]}]}


def test_sigterm_before_ready(tmp_path: Path, start: "Start", stalled_source: str) -> None:
    """A server that has nothing to finish ends at once, whatever its thread is stuck in."""
    server = start(
        write_release(
            tmp_path,
            onnx_models.affine(),
            ARTIFACT_URI=stalled_source,
            DRAIN_DELAY_S=1000,
            GRACE_S=2000,
        )
    )
    server.until("listening")

    assert server.stop() == 0


class Load:
    """Clients that behave as behind a load balancer: they stop when the server is not ready."""

    def __init__(self, server: "Server", clients: int) -> None:
        self._url = server.url
        self.statuses: list[int] = []
        self._pool = ThreadPoolExecutor(clients + 1)
        self._stop = threading.Event()
        self._all = [self._pool.submit(self._client) for _ in range(clients)]
        self._all.append(self._pool.submit(self._watch))

    def _client(self) -> None:
        with httpx.Client(timeout=DEADLINE_S) as client:
            while not self._stop.is_set():
                answer = client.post(f"{self._url}/v2/models/sample/infer", json=GOOD)
                self.statuses.append(answer.status_code)

    def _watch(self) -> None:
        with httpx.Client(timeout=DEADLINE_S) as client:
            ready = f"{self._url}/v2/health/ready"
            until(lambda: client.get(ready).status_code, lambda status: status != 200)
        self._stop.set()

    def join(self) -> None:
        """Wait for all clients; raise what one of them met."""
        for each in self._all:
            each.result(DEADLINE_S)
        self._pool.shutdown()


def test_sigterm_under_load_drops_nothing(tmp_path: Path, start: "Start") -> None:
    """Every request sent until the unreadiness was seen gets its answer; exit code 0."""
    server = start(
        write_release(tmp_path, onnx_models.affine(), DRAIN_DELAY_S=3, BATCHING_MAX_SIZE=8)
    )
    server.until("ready")
    load = Load(server, clients=32)
    server.until_metric("modelserver_ready", 1)
    before = until(lambda: len(load.statuses), lambda answers: answers >= 100)

    code = server.stop()
    load.join()

    assert code == 0
    assert set(load.statuses) == {200}
    assert len(load.statuses) > before
    assert [event["event"] for event in server.events()][-2:] == ["stopping", "stopped"]


def test_request_in_flight_is_finished(tmp_path: Path, start: "Start") -> None:
    """A request that began before the listener closed is answered after it has."""
    server = start(write_release(tmp_path, onnx_models.slow(40)), GATED)
    server.until("ready")
    with ThreadPoolExecutor(1) as pool, shut(tmp_path):
        answer = pool.submit(server.infer, SLOW)
        server.until_metric("modelserver_requests_in_flight", 1)
        server.process.send_signal(signal.SIGTERM)
        until(lambda: refuses(server))

    assert answer.result().status_code == 200
    assert answer.result().json()["outputs"][0]["data"][0] == 2
    assert server.exit_code() == 0


def refuses(server: "Server") -> bool:
    """Whether nobody listens at its address."""
    with socket.socket() as probe:
        return probe.connect_ex(address(server)) == errno.ECONNREFUSED


def test_draining_server_says_so(tmp_path: Path, start: "Start") -> None:
    """While it drains it is live, not ready, still answers, and asks for other connections."""
    server = start(write_release(tmp_path, onnx_models.affine(), DRAIN_DELAY_S=60, GRACE_S=90))
    server.until("ready")
    server.infer(GOOD)
    server.process.send_signal(signal.SIGTERM)
    server.until("stopping")
    ready = server.client.get(f"{server.url}/v2/health/ready")
    model = server.client.get(f"{server.url}/v2/models/sample/versions/r1/ready")
    live = server.client.get(f"{server.url}/v2/health/live")
    infer = server.infer(GOOD)

    assert (ready.status_code, ready.json()["state"]) == (503, "draining")
    assert (model.status_code, live.status_code, infer.status_code) == (200, 200, 200)
    assert infer.headers["connection"] == "close"


def test_second_sigterm_ends_at_once(tmp_path: Path, start: "Start") -> None:
    """Whoever asks twice does not wait for the drain."""
    server = start(write_release(tmp_path, onnx_models.affine(), DRAIN_DELAY_S=60, GRACE_S=90))
    server.until("ready")
    server.process.send_signal(signal.SIGTERM)
    server.until("stopping")

    assert server.stop() == 143
    assert server.events("killed")[0]["detail"] == "second signal: ending at once"


def test_grace_is_an_upper_bound(tmp_path: Path, start: "Start") -> None:
    """A connection that never finishes its request cannot hold the process beyond GRACE_S."""
    server = start(write_release(tmp_path, onnx_models.affine(), GRACE_S=0.5))
    server.until("ready")
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{"
        )
        server.until_metric("modelserver_requests_receiving", 1)
        code = server.stop()

    assert code == errors.GraceExceeded.exit_code
    assert server.events("grace-exceeded")[0]["in_flight"] == 1


def test_sigint_stops_as_well(tmp_path: Path, start: "Start") -> None:
    """Control-C in a terminal is a request to stop."""
    server = start(write_release(tmp_path, onnx_models.affine()))
    server.until("ready")
    server.process.send_signal(signal.SIGINT)

    assert server.exit_code() == 0
