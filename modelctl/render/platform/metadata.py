"""What the objects of a Gateway have in common."""

from typing import Any

from modelctl.repo.kinds import Gateway

Object = dict[str, Any]

API_GROUP = "gateway.networking.k8s.io"
ENVOY_GATEWAY = "gateway.envoyproxy.io"
ENVOY_GATEWAY_API = f"{ENVOY_GATEWAY}/v1alpha1"


def metadata(gateway: Gateway, name: str) -> Object:
    """Metadata of an object in the Gateway's namespace."""
    return {
        "name": name,
        "namespace": gateway.namespace,
        "labels": labels(gateway.name),
    }


def labels(name: str) -> dict[str, str]:
    """The labels of an object that belongs to what has this name."""
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/component": "gateway",
        "app.kubernetes.io/part-of": "models",
        "app.kubernetes.io/managed-by": "modelctl",
    }


def targets(gateway: Gateway) -> list[Object]:
    """The Gateway, as what a policy is for."""
    return [{"group": API_GROUP, "kind": "Gateway", "name": gateway.name}]


def hosts(hostname: str) -> list[str]:
    """The host of the models, and those of each model."""
    return [hostname] if hostname.startswith("*.") else [hostname, f"*.{hostname}"]


def proxy_labels(gateway: Gateway) -> dict[str, str]:
    """The labels by which Envoy Gateway tells the proxies of one Gateway from all other pods."""
    return {
        "app.kubernetes.io/component": "proxy",
        "gateway.envoyproxy.io/owning-gateway-name": gateway.name,
    }
