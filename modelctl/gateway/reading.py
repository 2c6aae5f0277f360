"""What the rendered objects of a model, or of a platform, say to a gateway.

Of the Gateway API and of Envoy Gateway every object counts: a kind that is not known is refused
like a field that is not known. What says only where and how big the gateway's own pods are has no
meaning here and is passed over, as is every object of another API.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from modelctl.gateway.fields import Field, ObjectError
from modelctl.gateway.guards import guard
from modelctl.gateway.httproute import answer, object_name, route
from modelctl.gateway.policies import client_policy, defaulted, traffic_policy
from modelctl.gateway.values import ClientPolicy, Guard, Route

_GROUPS = ("gateway.networking.k8s.io", "gateway.envoyproxy.io")
_PASSED_OVER = ("Gateway", "GatewayClass", "EnvoyProxy", "ReferenceGrant")


@dataclass(frozen=True, slots=True)
class Policy:
    """A BackendTrafficPolicy as it stands: what it is for, and its spec with the CRD's defaults.

    `targets` are kinds and names in its own namespace. With `merges` it is laid over the Gateway's
    policy, else it replaces it.
    """

    namespace: str
    targets: tuple[tuple[str, str], ...]
    merges: bool
    spec: dict[str, Any]
    path: str


@dataclass(frozen=True, slots=True)
class Objects:
    """What some rendered objects say to a gateway.

    `guards` say who may call. A machine without the Secrets of a cluster checks none of them.
    """

    routes: tuple[Route, ...] = ()
    policies: tuple[Policy, ...] = ()
    clients: tuple[ClientPolicy, ...] = ()
    guards: tuple[Guard, ...] = ()


def read(objects: Iterable[Field]) -> Objects:
    """The routes and policies among some objects, each in the order of the objects.

    A fault of a policy that is to be merged comes up in `merging`.

    Raises:
        ObjectError: One is malformed, or has a field that is not known here.
    """
    by_kind: dict[str, list[Field]] = {}
    for item in objects:
        if (item.get("apiVersion").text_or("").partition("/")[0]) in _GROUPS:
            by_kind.setdefault(item.get("kind").text(), []).append(item)
    answers = {object_name(item): answer(item) for item in by_kind.pop("HTTPRouteFilter", ())}
    found = Objects(
        routes=tuple(route(item, answers) for item in by_kind.pop("HTTPRoute", ())),
        policies=tuple(_policy(item) for item in by_kind.pop("BackendTrafficPolicy", ())),
        clients=tuple(_clients(item) for item in by_kind.pop("ClientTrafficPolicy", ())),
        guards=tuple(guard(item) for item in by_kind.pop("SecurityPolicy", ())),
    )
    for kind in sorted(by_kind.keys() - set(_PASSED_OVER)):
        raise ObjectError(f"{by_kind[kind][0].path}: {kind} is a kind that is not known here")
    return found


def _policy(item: Field) -> Policy:
    namespace, _ = object_name(item)
    spec = item.get("spec")
    merge = spec.get("mergeType")
    if merge.is_set:
        merge.word("StrategicMerge")
    if not isinstance(spec.value, dict):
        raise spec.error("a mapping")
    kept = defaulted(spec.value)
    if not merge.is_set:  # one that is laid over another may say things in part: `merging` reads it
        traffic_policy(Field(kept, spec.path, spec.at))
    return Policy(namespace, _targets(spec), merge.is_set, kept, item.path)


def _clients(item: Field) -> ClientPolicy:
    object_name(item)
    _targets(item.get("spec"))
    return client_policy(item.get("spec"))


def _targets(spec: Field) -> tuple[tuple[str, str], ...]:
    found = tuple(
        (target.get("kind").word("Gateway", "HTTPRoute"), target.get("name").text())
        for target in spec.get("targetRefs").items()
        if target.only("group", "kind", "name").get("group").word(_GROUPS[0])
    )
    if not found:
        raise spec.get("targetRefs").error("a list of what the policy is for")
    return found
