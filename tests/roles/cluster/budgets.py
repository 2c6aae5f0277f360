"""How many evictions a PodDisruptionBudget allows."""

import math
from collections.abc import Sequence
from typing import Any

from .store import Object


def status(spec: dict[str, Any], pods: Sequence[Object]) -> dict[str, Any]:
    """Status of a budget over its pods."""
    healthy = len([p for p in pods if (p.get("status") or {}).get("phase") == "Running"])
    total = len(pods)
    if "maxUnavailable" in spec:
        desired = total - _amount(spec["maxUnavailable"], total)
    else:
        desired = _amount(spec.get("minAvailable", 1), total)
    return {
        "currentHealthy": healthy,
        "desiredHealthy": max(desired, 0),
        "expectedPods": total,
        "disruptionsAllowed": max(healthy - desired, 0),
    }


def selects(selector: dict[str, Any], pod: Object) -> bool:
    """Whether a label selector picks a pod."""
    labels = pod["metadata"].get("labels") or {}
    wanted = selector.get("matchLabels") or {}
    return bool(wanted.items() <= labels.items())


def _amount(value: int | str, total: int) -> int:
    if isinstance(value, str) and value.endswith("%"):
        return math.ceil(total * int(value[:-1]) / 100)
    return int(value)
