"""The HorizontalPodAutoscaler of one release."""

from typing import Any

from modelctl.render.v1 import metadata
from modelctl.repo.kinds import Model, Release, Scale

_CALM_BEFORE_SHRINKING_S = 300  # a pod that is needed again soon would have to load and warm up


def autoscaler(model: Model, release: Release, scale: Scale) -> dict[str, Any]:
    """Replicas between `min` and `max`, by the share of the requested CPU in use.

    The same for every release whatever its weight, so that a shift finds the pods there. It grows
    at once and may double every 15 seconds; it shrinks after five quiet minutes, by at most half
    of the pods a minute.
    """
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata.release_metadata(model, release),
        "spec": {
            "scaleTargetRef": {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "name": metadata.release_name(model, release.id),
            },
            "minReplicas": scale.min,
            "maxReplicas": scale.max,
            "metrics": [_cpu_utilization(scale.target)],
            "behavior": {
                "scaleUp": _behavior(0, percent=100, period_s=15),
                "scaleDown": _behavior(_CALM_BEFORE_SHRINKING_S, percent=50, period_s=60),
            },
        },
    }


def _cpu_utilization(percent: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _behavior(stabilization_s: int, *, percent: int, period_s: int) -> dict[str, Any]:
    return {
        "stabilizationWindowSeconds": stabilization_s,
        "selectPolicy": "Max",
        "policies": [{"type": "Percent", "value": percent, "periodSeconds": period_s}],
    }
