"""Which policy a route has: a model's own, laid over the Gateway's as Envoy Gateway does it.

Mappings are merged key by key, everything else is replaced, lists too. What the API server filled
in counts as said: a model's policy that says one limit of a circuit breaker sets all four.

Source: Envoy Gateway 1.9, `mergeBackendTrafficPolicy`, a strategic merge patch.
"""

from collections.abc import Mapping
from typing import Any

from modelctl.gateway.fields import Field, ObjectError
from modelctl.gateway.policies import traffic_policy
from modelctl.gateway.reading import Objects, Policy
from modelctl.gateway.values import ClientPolicy, Gateway, Route, TrafficPolicy

_ENVELOPE = ("targetRefs", "mergeType")  # says whom a policy is for, not how it treats backends


def gateway(platform: Objects) -> Gateway:
    """What holds for all models; without any policy, what Envoy Gateway does by itself.

    Raises:
        ObjectError: Two policies are for the Gateway.
    """
    if len(platform.clients) > 1:
        raise ObjectError("found two ClientTrafficPolicies for the Gateway, expected one")
    default = _of_gateway(platform)
    return Gateway(
        clients=platform.clients[0] if platform.clients else ClientPolicy(),
        backends=_read(default.spec, default.path) if default else TrafficPolicy(),
        routes=platform.routes,
    )


def policies(model: Objects, platform: Objects) -> dict[str, TrafficPolicy]:
    """By the name of each route of a model, the policy that it has.

    Raises:
        ObjectError: Two policies are for one route, or the merged one is not known here.
    """
    return {route.name: policy(route, model, platform) for route in model.routes}


def policy(route: Route, model: Objects, platform: Objects) -> TrafficPolicy:
    """The policy that one route has.

    Raises:
        ObjectError: Two policies are for it, or the merged one is not known here.
    """
    default = _of_gateway(platform)
    own = _one(model, "HTTPRoute", route.name, route.namespace)
    if own is None:
        return _read(default.spec, default.path) if default else TrafficPolicy()
    if default is None or not own.merges:
        return _read(own.spec, own.path)
    return _read(merged(default.spec, own.spec), own.path)


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """A strategic merge of two specs whose lists have no merge keys: `over` wins."""
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            result[key] = merged(below, value)
        else:
            result[key] = value
    return result


def _of_gateway(platform: Objects) -> Policy | None:
    found = [p for p in platform.policies if any(kind == "Gateway" for kind, _ in p.targets)]
    if len(found) > 1:
        raise ObjectError(f"{found[1].path}: found a second policy for the Gateway, expected one")
    return found[0] if found else None


def _one(model: Objects, kind: str, name: str, namespace: str) -> Policy | None:
    found = [p for p in model.policies if (kind, name) in p.targets and p.namespace == namespace]
    if len(found) > 1:
        raise ObjectError(f"{found[1].path}: found a second policy for {kind} {name}, expected one")
    return found[0] if found else None


def _read(spec: Mapping[str, Any], path: str) -> TrafficPolicy:
    said = {key: value for key, value in spec.items() if key not in _ENVELOPE}
    return traffic_policy(Field(said, path, "spec"))
