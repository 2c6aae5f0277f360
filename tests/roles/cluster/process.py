"""Start the double as a process of its own, and talk to it."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = Any
TESTS = Path(__file__).resolve().parents[2]


class _Unix(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("double")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(10)
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

    def stop(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(timeout=10)


def start(folder: Path, *, nodes: str = "", port: int = 0, version: str = "v1.36.4") -> Cluster:
    """A double that answers; raises `RuntimeError` when it does not come up in 20 seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ready").unlink(missing_ok=True)
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
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(TESTS)})
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        ready = folder / "ready"
        if ready.exists() and ready.read_text().strip():
            return Cluster(folder, int(ready.read_text()), process)
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"the API double in {folder} did not come up")
