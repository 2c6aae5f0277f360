"""The HTTPRoute of a model: the one object that a change of weights changes.

Every default of the Gateway API is written out: what the API server would fill in would show as
a difference from git for ever. There is no session persistence, which would outlive a rollback,
and no retry, which the standard channel of the API does not have.
"""

from collections.abc import Iterator
from typing import Any

from modelctl.render.v1 import budgets, metadata, service
from modelctl.repo.kinds import Environment, Model, Serving

RELEASE_HEADER = "x-model-release"
ROLE_HEADER = "x-model-role"
_API_GROUP = "gateway.networking.k8s.io"


def route(model: Model, serving: Serving, environment: Environment) -> dict[str, Any]:
    """Header rules that reach each deployed release, then the rule that shares by weight."""
    gateway = environment.gateway
    return {
        "apiVersion": f"{_API_GROUP}/v1",
        "kind": "HTTPRoute",
        "metadata": metadata.model_metadata(model, component="route"),
        "spec": {
            "parentRefs": [
                {
                    "group": _API_GROUP,
                    "kind": "Gateway",
                    "namespace": gateway.namespace,
                    "name": gateway.name,
                    "sectionName": gateway.listener,
                }
            ],
            "hostnames": [gateway.hostname],
            "rules": list(_rules(model, serving)),
        },
    }


def _rules(model: Model, serving: Serving) -> Iterator[dict[str, Any]]:
    for release in serving.deployed:
        yield _direct_rule(model, release)
    if any(serving.weights.values()):  # several gateways send all traffic to a lone weight of 0
        yield _weighted_rule(model, serving)


def _direct_rule(model: Model, release: str) -> dict[str, Any]:
    """Requests that name a release reach it, whatever its weight: for tests before a shift."""
    header = {"type": "Exact", "name": RELEASE_HEADER, "value": release}
    return {
        "matches": [{"path": _path(model), "headers": [header]}],
        "backendRefs": [_backend(model, release, weight=1, role="direct")],
        "timeouts": _timeouts(model),
    }


def _weighted_rule(model: Model, serving: Serving) -> dict[str, Any]:
    """All other requests, shared in the proportion and order of the weights in git."""
    backends = [
        _backend(model, release, weight=weight, role=_role(serving, release))
        for release, weight in serving.weights.items()
    ]
    mirrors = _mirrors(model, serving)
    return {
        "matches": [{"path": _path(model)}],
        **({"filters": mirrors} if mirrors else {}),
        "backendRefs": backends,
        "timeouts": _timeouts(model),
    }


def _role(serving: Serving, release: str) -> str:
    return "stable" if release == serving.stable else "canary"


def _path(model: Model) -> dict[str, str]:
    """The model's part of the API; a prefix matches whole path elements only."""
    return {"type": "PathPrefix", "value": f"/v2/models/{model.name}"}


def _backend(model: Model, release: str, *, weight: int, role: str) -> dict[str, Any]:
    """A release's Service; the role header is set, so that no caller can claim one."""
    header = {"name": ROLE_HEADER, "value": role}
    return {
        **_service(model, release),
        "weight": weight,
        "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [header]}}],
    }


def _mirrors(model: Model, serving: Serving) -> list[dict[str, Any]]:
    if serving.shadow is None:
        return []
    mirror = {
        "backendRef": _service(model, serving.shadow.release),
        "percent": serving.shadow.percent,
    }
    return [{"type": "RequestMirror", "requestMirror": mirror}]


def _service(model: Model, release: str) -> dict[str, Any]:
    name = metadata.release_name(model, release)
    return {"group": "", "kind": "Service", "name": name, "port": service.PORT}


def _timeouts(model: Model) -> dict[str, str]:
    """One attempt may take all the time that the request has, since nothing is retried."""
    timeout = f"{budgets.request_timeout_s(model)}s"
    return {"request": timeout, "backendRequest": timeout}
