"""When Argo CD calls an object healthy, for the kinds that its syncs could wait for."""

from collections.abc import Mapping
from typing import Any

from tests.cluster.api import Api, key

_DEPLOYMENT = ("apps/v1", "Deployment")
REPLICAS = 1


def is_healthy(item: Mapping[str, Any] | None) -> bool:
    """Whether a wave that waits for this object may go on."""
    if item is None:
        return False
    if item["kind"] != "Deployment":
        return True
    status, wanted = item.get("status", {}), item["spec"].get("replicas", 1)
    return (
        status.get("observedGeneration", 0) >= item["metadata"]["generation"]
        and status.get("updatedReplicas", 0) >= wanted
        and status.get("availableReplicas", 0) >= wanted
    )


def settle(api: Api, *, sick: frozenset[str] = frozenset()) -> None:
    """Write the status of every Deployment, as its controller does; those named crash for ever."""
    for item in api.list(*_DEPLOYMENT):
        wanted, ready = item["spec"].get("replicas", REPLICAS), item["metadata"]["name"] not in sick
        counted = {"readyReplicas": wanted, "availableReplicas": wanted} if ready else {}
        counted |= {"unavailableReplicas": 0 if ready else wanted}
        status = {
            "observedGeneration": item["metadata"]["generation"],
            "replicas": wanted,
            "updatedReplicas": wanted,
            **counted,
        }
        api.status(key(item), status)
