"""The routes that are no model's: the server part of the protocol, and every path that is none.

A gateway that answers is live. Whether a model is ready, its own path says.

Source: Open Inference Protocol V2, server metadata and health.
"""

import json
from collections.abc import Sequence

from modelctl.render.platform.metadata import (
    API_GROUP,
    ENVOY_GATEWAY,
    ENVOY_GATEWAY_API,
    Object,
    metadata,
)
from modelctl.repo.kinds import Gateway

_OK, _NO_CONTENT, _NOT_FOUND = 200, 204, 404
_FILTER = "HTTPRouteFilter"
_GRPC = {"type": "RegularExpression", "name": "content-type", "value": "application/grpc.*"}
_GRPC_NOT_FOUND = "5"  # the status of gRPC that says so
_UNKNOWN_PATH = "no model is served at this path; models answer below /v2/models/<model>"
_UNKNOWN_CALL = (
    "no model is served under this name; name one in the metadata x-model-name, or call the host "
    "<model>.<host>"
)


def protocol(gateway: Gateway) -> tuple[Object, ...]:
    """The filters that answer, then the two routes that name them."""
    about = {"name": gateway.name, "version": "v2", "extensions": []}
    answers = {
        "server-metadata": _answer(_OK, about),
        "server-live": _answer(_OK, {"live": True}),
        "server-ready": _answer(_OK, {"ready": True}),
        "server-options": _answer(_NO_CONTENT, None, {"allow": "GET, HEAD, POST, OPTIONS"}),
        "unknown-path": _answer(_NOT_FOUND, {"error": _UNKNOWN_PATH}),
        "unknown-call": _answer(
            _NOT_FOUND, {"error": _UNKNOWN_CALL}, {"grpc-status": _GRPC_NOT_FOUND}
        ),
    }
    rules = (
        _rule("server-metadata", _read("/v2")),
        _rule("server-live", _read("/v2/health/live")),
        _rule("server-ready", _read("/v2/health/ready")),
        _rule("server-options", [{"path": _prefix("/v2"), "method": "OPTIONS"}]),
    )
    unknown = (
        _rule("unknown-call", [{"path": _prefix("/"), "headers": [dict(_GRPC)]}]),
        _rule("unknown-path", [{"path": _prefix("/")}]),
    )
    return (
        *(_filter(gateway, name, answer) for name, answer in answers.items()),
        _route(gateway, "protocol-server", [gateway.hostname], rules),
        _route(gateway, "unknown-path", _hosts(gateway.hostname), unknown),
    )


def _hosts(host: str) -> list[str]:
    """The host, and those of models that are not there."""
    return [host] if host.startswith("*.") else [host, f"*.{host}"]


def _answer(status: int, body: Object | None, headers: dict[str, str] | None = None) -> Object:
    settings = [{"name": name, "value": value} for name, value in (headers or {}).items()]
    text = {"type": "Inline", "inline": json.dumps(body, separators=(",", ":"))}
    return {
        "statusCode": status,
        **({"contentType": "application/json", "body": text} if body is not None else {}),
        **({"header": {"set": settings}} if settings else {}),
    }


def _filter(gateway: Gateway, name: str, answer: Object) -> Object:
    return {
        "apiVersion": ENVOY_GATEWAY_API,
        "kind": _FILTER,
        "metadata": metadata(gateway, name),
        "spec": {"directResponse": answer},
    }


def _route(gateway: Gateway, name: str, hosts: list[str], rules: Sequence[Object]) -> Object:
    return {
        "apiVersion": f"{API_GROUP}/v1",
        "kind": "HTTPRoute",
        "metadata": metadata(gateway, name),
        "spec": {
            "parentRefs": [
                {
                    "group": API_GROUP,
                    "kind": "Gateway",
                    "namespace": gateway.namespace,
                    "name": gateway.name,
                    "sectionName": gateway.listener,
                }
            ],
            "hostnames": hosts,
            "rules": list(rules),
        },
    }


def _rule(name: str, matches: list[Object]) -> Object:
    reference = {"group": ENVOY_GATEWAY, "kind": _FILTER, "name": name}
    return {
        "name": name,
        "matches": matches,
        "filters": [{"type": "ExtensionRef", "extensionRef": reference}],
    }


def _read(path: str) -> list[Object]:
    """Requests that read what is at just this path."""
    return [{"path": {"type": "Exact", "value": path}, "method": each} for each in ("GET", "HEAD")]


def _prefix(path: str) -> Object:
    return {"type": "PathPrefix", "value": path}
