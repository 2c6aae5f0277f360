"""Start the double as a process of its own, and talk to it."""

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waiting import PATIENCE_S

Json = Any
TESTS = Path(__file__).resolve().parents[2]


class _Unix(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("double")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(str(self._path))


@dataclass(frozen=True)
class Cluster:
    """A running double: its folder, its port and its process."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig of the cluster's administrator."""
        return self.folder / "kubeconfig"

    def ask(
        self,
        method: str,
        path: str,
        body: Json = None,
        *,
        kind: str = "application/json",
    ) -> tuple[int, Any]:
        """Status and decoded body of one request over the socket."""
        connection = _Unix(self.folder / "api.sock")
        text = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection.request(method, path, text, {"Content-Type": kind, "User-Agent": "test"})
        answer = connection.getresponse()
        raw = answer.read()
        connection.close()
        return answer.status, json.loads(raw or b"{}")

    def requests(self) -> list[dict[str, Any]]:
        """Every request since the last `forget`."""
        found: list[dict[str, Any]] = self.ask("GET", "/double/requests")[1]["requests"]
        return found

    def forget(self) -> None:
        """Forget requests and faults."""
        self.ask("DELETE", "/double/requests")

    def fail(self, path: str, status: int, *, method: str = "GET", times: int = 1) -> None:
        """Answer the next requests whose path matches with a status."""
        fault = {"path": path, "status": status, "method": method, "times": times}
        self.ask("POST", "/double/faults", fault)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """In the block nothing becomes ready, however slow or quick this machine is."""
        self.ask("POST", "/double/hold")
        try:
            yield
        finally:
            self.ask("DELETE", "/double/hold")

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(PATIENCE_S)


def start(folder: Path, *, nodes: str = "", port: int = 0, version: str = "v1.36.4") -> Cluster:
    """A double that answers; raises `RuntimeError` where it ends before it does."""
    command = [
        sys.executable,
        "-m",
        "roles.cluster",
        "--folder",
        str(folder),
        "--port",
        str(port),
        "--nodes",
        nodes,
        "--version",
        version,
    ]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as told:
        line = told.readline()
    if not line:
        raise RuntimeError(f"the API double in {folder} ended with {process.wait()}")
    return Cluster(folder, int(line), process)
