"""The two HTTPRoutes of a model: the objects that a change of weights changes.

A rule sets the role of its requests and no backend has a filter of its own: so a gateway keeps one
cluster for each rule, and a weight that comes from or goes to 0 moves endpoints, never a cluster.
Which release is stable stands in the label `app.kubernetes.io/version`.

Calls of gRPC name no model in their path. Callers name it in the metadata `x-model-name`, or call
`<model>.<host>`; from there the same rules hold.

Every default of the Gateway API is written out: what the API server would fill in would show as
a difference from git for ever. There is no session persistence, which would outlive a rollback.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelctl.render.v1 import budgets, metadata
from modelctl.render.v2 import refusal, service
from modelctl.repo.kinds import Environment, Model, Serving

RELEASE_HEADER = "x-model-release"
MODEL_HEADER = "x-model-name"
ROLE_HEADER = "x-model-role"
_API_GROUP = "gateway.networking.k8s.io"
_WILDCARD = "*."
# What begins so is a call of gRPC; an expression is compared with the whole value.
_GRPC = {"type": "RegularExpression", "name": "content-type", "value": "application/grpc.*"}
_ANY = ".+"

_Match = dict[str, Any]


def routes(model: Model, serving: Serving, environment: Environment) -> tuple[dict[str, Any], ...]:
    """The route of the model's path, then the one of its host for gRPC."""
    host = environment.gateway.hostname
    path = f"/v2/models/{model.name}"
    named = (_GRPC, _exact(MODEL_HEADER, model.name))
    return (
        _route(model, serving, environment, _Callers(model.name, host, path, named)),
        _route(
            model,
            serving,
            environment,
            _Callers(grpc_name(model.name), grpc_host(model.name, host), "", (_GRPC,)),
        ),
    )


def grpc_name(model: str) -> str:
    """Name of the HTTPRoute for gRPC callers that name their model by the host."""
    return f"{model}-grpc"


def grpc_host(model: str, host: str) -> str:
    """The host that such callers use."""
    return f"{model}.{host.removeprefix(_WILDCARD)}"


@dataclass(frozen=True, slots=True)
class _Callers:
    """Who a route is for: its name and host, the path of its requests, the headers of its calls.

    An empty path stands for callers of gRPC alone.
    """

    name: str
    host: str
    path: str
    call: tuple[dict[str, str], ...]

    def of_release(self, release: str) -> list[_Match]:
        """Requests that name a release, by path or by header."""
        return self._matches(f"versions/{release}", [_exact(RELEASE_HEADER, release)])

    def of_any_release(self) -> list[_Match]:
        """Requests that name whatever release."""
        named = {"type": "RegularExpression", "name": RELEASE_HEADER, "value": _ANY}
        return self._matches("versions", [named])

    def of_any(self) -> list[_Match]:
        """All requests."""
        by_path: list[_Match] = [{"path": _prefix(self.path)}] if self.path else []
        return [*by_path, self._called([])]

    def _matches(self, below: str, headers: list[dict[str, str]]) -> list[_Match]:
        by_path: list[_Match] = [
            {"path": _prefix(f"{self.path}/{below}")},
            {"path": _prefix(self.path), "headers": headers},
        ]
        return [*(by_path if self.path else []), self._called(headers)]

    def _called(self, headers: list[dict[str, str]]) -> _Match:
        return {"path": _prefix("/"), "headers": [*self.call, *headers]}


def _route(
    model: Model, serving: Serving, environment: Environment, callers: _Callers
) -> dict[str, Any]:
    gateway = environment.gateway
    described = metadata.model_metadata(model, component="route")
    labels = {**described["labels"], "app.kubernetes.io/version": serving.stable}
    return {
        "apiVersion": f"{_API_GROUP}/v1",
        "kind": "HTTPRoute",
        "metadata": {**described, "name": callers.name, "labels": labels},
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
            "hostnames": [callers.host],
            "rules": list(_rules(model, serving, callers)),
        },
    }


def _rules(model: Model, serving: Serving, callers: _Callers) -> Iterator[dict[str, Any]]:
    """The shared rule, one for each deployed release, then the one that refuses other releases.

    A gateway names the cluster of a rule by its place. So the rule that carries the traffic stands
    first, a new release comes behind the older ones, and what needs no cluster comes last.
    """
    if any(serving.weights.values()):  # several gateways send all traffic to a lone weight of 0
        yield {
            "name": "shared",
            "matches": callers.of_any(),
            "filters": [_role("shared"), *_mirrors(model, serving)],
            "backendRefs": [
                {**_service(model, release), "weight": weight}
                for release, weight in serving.weights.items()
            ],
            "timeouts": _timeouts(model),
        }
    for release in sorted(serving.deployed, key=_place):
        yield {
            "name": release,
            "matches": callers.of_release(release),
            "filters": [_role("direct")],
            "backendRefs": [{**_service(model, release), "weight": 1}],
            "timeouts": _timeouts(model),
        }
    yield {
        "name": "unknown-release",
        "matches": callers.of_any_release(),
        "filters": [_refusal(model)],
    }


def _place(release: str) -> tuple[int, str]:
    """What releases are ordered by, r2 before r12; names that stand in for theirs too."""
    return len(release), release


def _prefix(path: str) -> dict[str, str]:
    """A path and everything below it; a prefix matches whole path elements only."""
    return {"type": "PathPrefix", "value": path}


def _exact(name: str, value: str) -> dict[str, str]:
    return {"type": "Exact", "name": name, "value": value}


def _role(role: str) -> dict[str, Any]:
    """Sets what a request is, so that no caller can claim it."""
    header = {"name": ROLE_HEADER, "value": role}
    return {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [header]}}


def _refusal(model: Model) -> dict[str, Any]:
    reference = {
        "group": refusal.GROUP,
        "kind": refusal.KIND,
        "name": refusal.name(model),
    }
    return {"type": "ExtensionRef", "extensionRef": reference}


def _mirrors(model: Model, serving: Serving) -> list[dict[str, Any]]:
    if serving.shadow is None:
        return []
    mirror = {
        "backendRef": {**_service(model, serving.shadow.release), "port": service.MIRROR_PORT},
        "percent": serving.shadow.percent,
    }
    return [{"type": "RequestMirror", "requestMirror": mirror}]


def _service(model: Model, release: str) -> dict[str, Any]:
    name = metadata.release_name(model, release)
    return {"group": "", "kind": "Service", "name": name, "port": service.PORT}


def _timeouts(model: Model) -> dict[str, str]:
    """One attempt may take all the time that the request has."""
    timeout = f"{budgets.request_timeout_s(model)}s"
    return {"request": timeout, "backendRequest": timeout}
