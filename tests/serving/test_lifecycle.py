"""From start to exit code, with real processes and signals."""

import hashlib
import json
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from modelserver import errors
from tests.serving import onnx_models
from tests.serving.conftest import contract_of, write_release
from tests.serving.test_server import GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.serving.conftest import Server, Start

SLOW = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [2]}]}


def golden_file(folder: Path, data: list[float]) -> dict[str, str]:
    """Settings for a golden file that expects `data` of `onnx_models.identity`."""
    tensor = {"shape": [1, 2], "datatype": "FP32"}
    case = {
        "inputs": [tensor | {"name": "x", "data": [1, 2]}],
        "outputs": [tensor | {"name": "y", "data": data}],
    }
    content = json.dumps({"cases": [case]}).encode()
    (folder / "golden.json").write_bytes(content)
    return {
        "GOLDEN_URI": "file:golden.json",
        "GOLDEN_SHA256": hashlib.sha256(content).hexdigest(),
    }


def external(folder: Path) -> bytes:
    """A model that keeps its weights in another file, reached by a symbolic link."""
    model = onnx_models.affine()
    onnx.save(
        model,
        folder / "split.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    (folder / "cache" / "sha256").mkdir(parents=True)
    (folder / "cache" / "sha256" / "weights.bin").symlink_to(folder / "weights.bin")
    return (folder / "split.onnx").read_bytes()


def failing_start(folder: Path, kind: str) -> tuple[dict[str, str], type[errors.StartError]]:
    """Environment of a server that cannot start, and the error it must name."""
    model = onnx_models.identity("FP32")
    contract = json.dumps(contract_of(model))
    other = json.dumps(contract_of(onnx_models.affine()))
    content = model.SerializeToString()
    cut, split = content[: len(content) // 2], external(folder)
    affine = json.dumps(contract_of(onnx_models.affine()))
    cases: dict[str, tuple[Any, dict[str, Any], type[errors.StartError]]] = {
        "digest": (model, {"ARTIFACT_SHA256": "0" * 64}, errors.ArtifactDigestWrong),
        "size": (model, {"ARTIFACT_BYTES": 5}, errors.ArtifactSizeWrong),
        "missing": (model, {"ARTIFACT_URI": "file:none.onnx"}, errors.ArtifactMissing),
        "truncated": (cut, {"CONTRACT": contract}, errors.ModelMalformed),
        "external": (split, {"CONTRACT": affine}, errors.ModelNotSelfContained),
        "contract": (model, {"CONTRACT": other}, errors.ContractMismatch),
        "provider": (model, {"PROVIDERS": "tensorrt,cpu"}, errors.ProviderMissing),
        "golden": (model, golden_file(folder, [1, 3]), errors.GoldenMismatch),
        "setting": (model, {"PORT": "many"}, errors.SettingsInvalid),
        "memory": (onnx_models.enormous(), {}, errors.ModelOutOfMemory),
        "full": (model, {"CACHE_DIR": "/dev/full"}, errors.CacheUnusable),
    }
    content_or_model, settings, error = cases[kind]
    return write_release(folder, content_or_model, **settings), error


@pytest.mark.parametrize(
    "kind",
    [
        "digest",
        "size",
        "missing",
        "truncated",
        "external",
        "contract",
        "provider",
        "golden",
        "setting",
        "memory",
        "full",
    ],
)
def test_start_that_fails_says_why(tmp_path: Path, start: "Start", kind: str) -> None:
    """One structured line names the error, what is wrong and the exit code that follows."""
    environment, error = failing_start(tmp_path, kind)
    server = start(environment)

    code = server.exit_code()

    failures = server.events("start-failed")
    assert [failure["error"] for failure in failures] == [error.__name__]
    assert failures[0]["exit_code"] == code == error.exit_code
    assert failures[0]["detail"]
    assert server.events("ready") == []


def test_wrong_digest_never_reaches_the_session(tmp_path: Path, start: "Start") -> None:
    """Bytes that are not the declared ones end the start while they are fetched."""
    server = start(write_release(tmp_path, onnx_models.affine(), ARTIFACT_SHA256="1" * 64))
    server.exit_code()

    (failure,) = server.events("start-failed")

    assert failure["step"] == "fetching the artifact"


def test_exit_codes_are_distinct() -> None:
    """Whoever reads an exit code knows the one error that it stands for."""
    classes = [*errors.StartError.__subclasses__(), errors.GraceExceeded]
    codes = [each.exit_code for each in classes]

    assert len(codes) == len(set(codes))
    assert not {0, 1, 2, 70, 137, 143} & set(codes)


def test_golden_answers_lead_to_ready(tmp_path: Path, start: "Start") -> None:
    """A release that still answers as recorded serves."""
    settings = golden_file(tmp_path, [1, 2])
    server = start(write_release(tmp_path, onnx_models.identity("FP32"), **settings))

    server.until("ready")

    assert server.stop() == 0


def test_port_in_use(tmp_path: Path, start: "Start") -> None:
    """An address that is taken is an error of its own."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = start(write_release(tmp_path, onnx_models.affine(), PORT=port))
        code = server.exit_code()

    assert code == errors.AddressUnavailable.exit_code
    assert f"127.0.0.1:{port}" in server.until("start-failed")["detail"]


@pytest.fixture
def stalled_source() -> "Iterator[str]":
    """URL of an artifact whose transfer stops after the first byte, until the test ends."""
    end = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x")
            end.wait(20)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/model.onnx"
    end.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_starting_server_is_live_and_not_ready(
    tmp_path: Path, start: "Start", stalled_source: str
) -> None:
    """While the artifact is on its way the process answers: live, not ready, and why."""
    server = start(write_release(tmp_path, onnx_models.affine(), ARTIFACT_URI=stalled_source))
    server.until_answer("/v2/health/ready", "fetching the artifact")
    live = server.client.get(f"{server.url}/v2/health/live")
    ready = server.client.get(f"{server.url}/v2/health/ready")
    model = server.client.get(f"{server.url}/v2/models/sample/versions/r1/ready")
    infer = server.infer(GOOD)

    assert (live.status_code, ready.status_code, model.status_code) == (200, 503, 503)
    assert ready.json()["state"] == "starting"
    assert ready.json()["reason"] == "fetching the artifact"
    assert infer.status_code == 503
    assert infer.json()["error"].startswith("not ready: starting")
    assert infer.headers["retry-after"] == "1"
    assert server.metric("modelserver_requests_rejected_total", reason="not_ready") == 1


def test_sigterm_before_ready(tmp_path: Path, start: "Start", stalled_source: str) -> None:
    """A server that has nothing to finish ends at once, whatever its thread is stuck in."""
    server = start(
        write_release(
            tmp_path,
            onnx_models.affine(),
            ARTIFACT_URI=stalled_source,
            DRAIN_DELAY_S=10,
            GRACE_S=30,
        )
    )
    server.until("listening")
    started = time.monotonic()

    assert server.stop() == 0
    assert time.monotonic() - started < 5


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
        with httpx.Client() as client:
            while not self._stop.is_set():
                answer = client.post(f"{self._url}/v2/models/sample/infer", json=GOOD)
                self.statuses.append(answer.status_code)

    def _watch(self) -> None:
        with httpx.Client() as client:
            while client.get(f"{self._url}/v2/health/ready").status_code == 200:
                time.sleep(0.02)
        self._stop.set()

    def join(self) -> None:
        """Wait for all clients; raise what one of them met."""
        for each in self._all:
            each.result(30)
        self._pool.shutdown()


def test_sigterm_under_load_drops_nothing(tmp_path: Path, start: "Start") -> None:
    """Every request sent until the unreadiness was seen gets its answer; exit code 0."""
    server = start(
        write_release(tmp_path, onnx_models.affine(), DRAIN_DELAY_S=1, BATCHING_MAX_SIZE=8)
    )
    server.until("ready")
    load = Load(server, clients=32)
    server.until_metric("modelserver_ready", 1)
    while len(load.statuses) < 100:
        time.sleep(0.01)
    before = len(load.statuses)

    code = server.stop()
    load.join()

    assert code == 0
    assert set(load.statuses) == {200}
    assert len(load.statuses) > before
    assert [event["event"] for event in server.events()][-2:] == ["stopping", "stopped"]


def test_request_in_flight_is_finished(tmp_path: Path, start: "Start") -> None:
    """A request that began before the listener closed is answered after it has."""
    server = start(write_release(tmp_path, onnx_models.slow(40)))
    server.until("ready")
    url = server.url
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(httpx.post, f"{url}/v2/models/sample/infer", json=SLOW, timeout=30)
        server.until_metric("modelserver_requests_in_flight", 1)
        code = server.stop()

        assert answer.result().status_code == 200
        assert answer.result().json()["outputs"][0]["data"][0] == 2
    assert code == 0


def test_draining_server_says_so(tmp_path: Path, start: "Start") -> None:
    """While it drains it is live, not ready, still answers, and asks for other connections."""
    server = start(write_release(tmp_path, onnx_models.affine(), DRAIN_DELAY_S=1))
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
    assert server.exit_code() == 0


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
        server.until_metric("modelserver_requests_in_flight", 1)
        code = server.stop()

    assert code == errors.GraceExceeded.exit_code
    assert server.events("grace-exceeded")[0]["in_flight"] == 1


def test_sigint_stops_as_well(tmp_path: Path, start: "Start") -> None:
    """Control-C in a terminal is a request to stop."""
    server = start(write_release(tmp_path, onnx_models.affine()))
    server.until("ready")
    server.process.send_signal(signal.SIGINT)

    assert server.exit_code() == 0


def test_root_file_system_may_be_read_only(tmp_path: Path, start: "Start") -> None:
    """Nothing is written outside the cache directory."""
    cache = tmp_path / "only-cache"
    server = start(write_release(tmp_path, onnx_models.affine(), CACHE_DIR=cache))
    before = {path for path in tmp_path.iterdir() if path != cache}
    server.until("ready")

    assert {path for path in tmp_path.iterdir() if path != cache} == before
    assert {path.name for path in cache.rglob("*") if path.is_file()} == {
        server_digest(tmp_path),
        f"{server_digest(tmp_path)}.lock",
    }


def server_digest(folder: Path) -> str:
    """Digest of the artifact in a folder."""
    return hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()


def big_model() -> onnx.ModelProto:
    """A model of 48 MB that loads in a moment."""
    model = onnx_models.affine()
    weights = np.zeros((4, 3_000_000), np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weights, "unused"))
    return model


def test_health_answers_while_a_large_model_loads(tmp_path: Path, start: "Start") -> None:
    """The event loop is free while another thread hashes and loads."""
    server = start(write_release(tmp_path, big_model()))
    url = server.url
    slowest = 0.0
    while not server.events("ready"):
        began = time.monotonic()
        assert server.client.get(f"{url}/v2/health/live").status_code == 200
        slowest = max(slowest, time.monotonic() - began)

    assert slowest < 2
    assert os.path.exists(f"/proc/{server.process.pid}")  # noqa: PTH110 - not a path to open
