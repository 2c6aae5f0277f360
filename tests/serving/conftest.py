"""Real server processes on ephemeral ports, and what they are started with."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import onnx
import pytest

from modelserver.model import session
from modelserver.model.contract import Contract
from modelserver.model.session import Model
from tests.serving import onnx_models
from tests.serving.loading import XY, Load
from waiting import PATIENCE_S, until

DEADLINE_S = PATIENCE_S
MODELSERVER = ("-m", "modelserver")


def contract_of(model: onnx.ModelProto) -> dict[str, Any]:
    """The contract that a graph itself suggests: -1 for every size that has a name."""
    names = {number: name for name, number in onnx_models.ONNX_TYPES.items()}

    def tensor(info: onnx.ValueInfoProto) -> dict[str, Any]:
        kind = info.type.tensor_type
        return {
            "name": info.name,
            "datatype": names[kind.elem_type],
            "shape": [
                size.dim_value if size.HasField("dim_value") else -1 for size in kind.shape.dim
            ],
        }

    return {
        "inputs": [tensor(info) for info in model.graph.input],
        "outputs": [tensor(info) for info in model.graph.output],
    }


def write_release(folder: Path, model: onnx.ModelProto | bytes, **settings: Any) -> dict[str, str]:  # noqa: ANN401
    """Environment of a server for a model saved in `folder`; `settings` without the prefix."""
    content = model if isinstance(model, bytes) else model.SerializeToString()
    path = folder / "model.onnx"
    path.write_bytes(content)
    chosen = {
        "MODEL": "sample",
        "RELEASE": "r1",
        "ARTIFACT_URI": "file:model.onnx",
        "ARTIFACT_SHA256": hashlib.sha256(content).hexdigest(),
        "ARTIFACT_BYTES": len(content),
        "ARTIFACT_ROOT": folder,
        "CACHE_DIR": folder / "cache",
        "CONTRACT": json.dumps(contract_of(model)) if not isinstance(model, bytes) else "",
        "HOST": "127.0.0.1",
        "PORT": 0,
        "THREADS": 1,
        "DRAIN_DELAY_S": 0,
        "GRACE_S": 20,
        **settings,
    }
    return {f"MODELSERVER_{name}": str(value) for name, value in chosen.items()}


@dataclass
class Server:
    """One running server process."""

    process: subprocess.Popen[bytes]
    log: Path
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=DEADLINE_S))

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """Its whole log lines so far, all or those of one event."""
        text = self.log.read_text().splitlines(keepends=True)
        lines = [json.loads(line) for line in text if line.endswith("\n")]
        assert all({"time", "level", "event"} <= line.keys() for line in lines)
        return [line for line in lines if not name or line["event"] == name]

    def until(self, event: str) -> dict[str, Any]:
        """The first line of an event, waited for."""

        def look() -> tuple[bool, list[dict[str, Any]]]:
            has_ended = self.process.poll() is not None  # before its last words are read
            return has_ended, self.events(event)

        _, found = until(look, any, shown=lambda _: self.log.read_text())
        if not found:
            pytest.fail(f"no {event}; exit code {self.process.poll()}; log: {self.log.read_text()}")
        return found[0]

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.until('listening')['port']}"

    def infer(self, body: Any, **kwargs: Any) -> httpx.Response:  # noqa: ANN401
        """The answer to an inference request."""
        return self.client.post(f"{self.url}/v2/models/sample/infer", json=body, **kwargs)

    def metric(self, name: str, **labels: str) -> float:
        """Sum of a metric's samples that have these labels."""
        total = 0.0
        for line in self.client.get(f"{self.url}/metrics").text.splitlines():
            metric, _, value = line.rpartition(" ")
            if metric.partition("{")[0] == name and all(
                f'{label}="{wanted}"' in metric for label, wanted in labels.items()
            ):
                total += float(value)
        return total

    def until_metric(self, name: str, expected: float) -> None:
        """Return once a metric has this value."""
        until(
            lambda: self.metric(name),
            lambda found: found == expected,
            shown=lambda found: f"{name} {found}, expected {expected}",
        )

    def until_answer(self, path: str, text: str) -> None:
        """Return once a page holds a text."""
        until(lambda: self.client.get(self.url + path).text, lambda found: text in found)

    def exit_code(self) -> int:
        """Its exit code, waited for."""
        return self.process.wait(DEADLINE_S)

    def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.exit_code()

    def close(self) -> None:
        """End it for certain."""
        self.client.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


Start = Callable[..., Server]


def start_server(
    environment: Mapping[str, str], log: Path, program: Sequence[str] = MODELSERVER
) -> Server:
    """A server process that has just been started; `program` is how Python is called for it."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("MODELSERVER_")
    }
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, *program],
            env=inherited | dict(environment),
            cwd=log.parent,
            stderr=stderr,
        )
    return Server(process, log)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers that end with the test."""
    servers: list[Server] = []

    def one(environment: Mapping[str, str], program: Sequence[str] = MODELSERVER) -> Server:
        log = tmp_path / f"server-{len(servers)}.log"
        servers.append(start_server(environment, log, program))
        return servers[-1]

    yield one
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def affine_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A ready server of `onnx_models.affine`, shared by tests that only ask it."""
    folder = tmp_path_factory.mktemp("affine")
    environment = write_release(
        folder, onnx_models.affine(), BATCHING_MAX_SIZE=8, MAX_BODY_BYTES=2_000_000
    )
    server = start_server(environment, folder / "server.log")
    server.until("ready")
    yield server
    code = server.stop()
    server.close()
    assert code == 0


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads a model under a contract, by default x to y in rows of two FP32."""

    def one(content: onnx.ModelProto | bytes, contract: Contract = XY, **options: Any) -> Model:  # noqa: ANN401
        path = tmp_path / "model.onnx"
        path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
        return session.load(path, contract, **({"providers": ["cpu"], "threads": 1} | options))

    return one


@pytest.fixture
def stalled_source() -> Iterator[str]:
    """URL of an artifact whose transfer stops after the first byte, until the test ends."""
    end = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x")
            end.wait()

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
