"""The Gateways of an environment: where its models are called."""

from collections.abc import Iterator
from dataclasses import replace

from modelctl.render.platform.metadata import API_GROUP, ENVOY_GATEWAY, Object, labels, metadata
from modelctl.repo.kinds import Environment, Gateway

GATEWAY_CLASS = "models"
_CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"
_PLAIN = "http"  # a listener of that name speaks without TLS; every other one has a certificate
_PLAIN_PORT, _TLS_PORT = 80, 443
_MOVED_PERMANENTLY = 308  # with its method and its body
# What no file says any more must not take along what serves.
_KEPT = {"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"}


def gateways(environment: Environment) -> tuple[Gateway, ...]:
    """The one for callers outside, then the one for callers in the cluster, where there is one."""
    outside, inside = environment.gateway, environment.gateway.cluster
    if inside is None:
        return (outside,)
    named = replace(outside, name=inside.name, listener=inside.listener)
    return (outside, replace(named, hostname=inside.hostname, cluster=None))


def is_secure(gateway: Gateway) -> bool:
    """Whether callers come over TLS; where they do not, it ends before them, or is not wanted."""
    return gateway.listener != _PLAIN


def certificate_secret(gateway: Gateway) -> str:
    """Name of the Secret that holds a Gateway's certificate."""
    return f"{gateway.name}-tls"


def gateway_objects(environment: Environment) -> Iterator[Object]:
    """Their namespace, their class, each of them, and the way from plain HTTP to TLS."""
    yield _namespace(environment.gateway)
    yield _class(environment.gateway)
    for gateway in gateways(environment):
        yield _gateway(gateway)
        if is_secure(gateway):
            yield _redirect(gateway)


def _namespace(gateway: Gateway) -> Object:
    """The namespace of the Gateways and, as Envoy Gateway is told to run them, of their proxies."""
    name = gateway.namespace
    security = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": labels(name) | security,
            "annotations": _KEPT,
        },
    }


def _class(gateway: Gateway) -> Object:
    return {
        "apiVersion": f"{API_GROUP}/v1",
        "kind": "GatewayClass",
        "metadata": {"name": GATEWAY_CLASS, "labels": labels(gateway.name)},
        "spec": {"controllerName": _CONTROLLER},
    }


def _gateway(gateway: Gateway) -> Object:
    parameters = {"group": ENVOY_GATEWAY, "kind": "EnvoyProxy", "name": gateway.name}
    return {
        "apiVersion": f"{API_GROUP}/v1",
        "kind": "Gateway",
        "metadata": metadata(gateway, gateway.name),
        "spec": {
            "gatewayClassName": GATEWAY_CLASS,
            "infrastructure": {"parametersRef": parameters},
            "listeners": [_secure(gateway), _plain()] if is_secure(gateway) else [_open(gateway)],
        },
    }


def _secure(gateway: Gateway) -> Object:
    """The listener that models are reached at.

    It has no host of its own: the routes have, both the models' and those of models' own hosts.
    """
    secret = {"group": "", "kind": "Secret", "name": certificate_secret(gateway)}
    return {
        "name": gateway.listener,
        "port": _TLS_PORT,
        "protocol": "HTTPS",
        "tls": {"mode": "Terminate", "certificateRefs": [secret]},
        "allowedRoutes": _of_models(),
    }


def _plain() -> Object:
    """The listener that only sends to the other: no model's route is taken here."""
    allowed = {"namespaces": {"from": "Same"}}
    return {"name": _PLAIN, "port": _PLAIN_PORT, "protocol": "HTTP", "allowedRoutes": allowed}


def _open(gateway: Gateway) -> Object:
    return {
        "name": gateway.listener,
        "port": _PLAIN_PORT,
        "protocol": "HTTP",
        "allowedRoutes": _of_models(),
    }


def _of_models() -> Object:
    """Routes of the namespaces that are made for models, and of the Gateway's own."""
    selector = {"matchLabels": {"app.kubernetes.io/part-of": "models"}}
    return {"namespaces": {"from": "Selector", "selector": selector}}


def _redirect(gateway: Gateway) -> Object:
    """Everything that comes without TLS is asked to come with it; it keeps method and body."""
    redirect = {"scheme": "https", "statusCode": _MOVED_PERMANENTLY}
    parent = {
        "group": API_GROUP,
        "kind": "Gateway",
        "namespace": gateway.namespace,
        "name": gateway.name,
        "sectionName": _PLAIN,
    }
    return {
        "apiVersion": f"{API_GROUP}/v1",
        "kind": "HTTPRoute",
        "metadata": metadata(gateway, f"{gateway.name}-to-https"),
        "spec": {
            "parentRefs": [parent],
            "rules": [
                {
                    "name": "to-https",
                    "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    "filters": [{"type": "RequestRedirect", "requestRedirect": redirect}],
                }
            ],
        },
    }
