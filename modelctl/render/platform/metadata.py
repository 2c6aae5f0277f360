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
        "labels": {
            "app.kubernetes.io/name": gateway.name,
            "app.kubernetes.io/component": "gateway",
            "app.kubernetes.io/part-of": "models",
            "app.kubernetes.io/managed-by": "modelctl",
        },
    }


def targets(gateway: Gateway) -> list[Object]:
    """The Gateway, as what a policy is for."""
    return [{"group": API_GROUP, "kind": "Gateway", "name": gateway.name}]
