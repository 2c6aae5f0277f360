"""Which nodes a pod may be bound to."""

from typing import Any

from .store import Object

UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def fits(node: Object, spec: dict[str, Any], *, daemon: bool) -> bool:
    """Whether a pod with this spec may be bound to a node; a daemon's goes to cordoned ones too."""
    labels = {"kubernetes.io/os": "linux", **(node["metadata"].get("labels") or {})}
    if not (spec.get("nodeSelector") or {}).items() <= labels.items():
        return False
    tolerations = list(spec.get("tolerations") or [])
    if daemon:
        tolerations.append({"key": UNSCHEDULABLE["key"], "operator": "Exists"})
    node_spec = node.get("spec") or {}
    if not daemon and node_spec.get("unschedulable"):
        return False
    conditions = (node.get("status") or {}).get("conditions") or []
    if not daemon and any(c["type"] == "Ready" and c["status"] != "True" for c in conditions):
        return False
    return all(
        tolerates(tolerations, taint)
        for taint in node_spec.get("taints") or []
        if taint["effect"] != "PreferNoSchedule"
    )


def tolerates(tolerations: list[dict[str, Any]], taint: dict[str, Any]) -> bool:
    """Whether any toleration answers a taint."""
    for one in tolerations:
        if one.get("effect") not in (None, "", taint["effect"]):
            continue
        if one.get("operator") == "Exists" and one.get("key") in (None, "", taint["key"]):
            return True
        if one.get("key") == taint["key"] and one.get("value", "") == taint.get("value", ""):
            return True
    return False
