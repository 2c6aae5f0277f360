"""What is wrong with the Applications of a cluster, as far as it is not a model's own matter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Data = Mapping[str, Any]

ROOT = "root"
GONE = "app path does not exist"
UNCOMPARED = frozenset({"ComparisonError", "InvalidSpecError"})


def faults(applications: Iterable[Data]) -> list[str]:
    """One line for each Application that Argo CD cannot compare with git, the root first.

    That of a model which has left the environment is none, and an Application that is compared and
    not yet synced is its owner's, unless it is the root.
    """
    by_name = {each["metadata"]["name"]: each for each in applications}
    if ROOT not in by_name:
        return ["no root Application"]
    others = [name for name in sorted(by_name) if name != ROOT]
    found = [root_fault(by_name[ROOT]), *(fault(name, by_name[name]) for name in others)]
    return [line for line in found if line]


def root_fault(root: Data) -> str:
    """Why the root is not synced; empty where it only waits for a person to delete something."""
    status = root.get("status") or {}
    sync = (status.get("sync") or {}).get("status") or "not reconciled"
    differing = [each for each in status.get("resources") or [] if each.get("status") != "Synced"]
    only_left = bool(differing) and all(each.get("requiresPruning") for each in differing)
    if sync == "Synced" or (sync == "OutOfSync" and only_left):
        return ""
    return f"the root Application {sync} ({reason(status) or 'no message'})"


def fault(name: str, application: Data) -> str:
    """Why another Application cannot be compared; empty where it is."""
    why = reason(application.get("status") or {})
    return "" if not why or GONE in why else f"{name} not compared ({why})"


def reason(status: Data) -> str:
    """What Argo CD says of a comparison that failed."""
    conditions = status.get("conditions") or []
    said = [each.get("message", "") for each in conditions if each.get("type") in UNCOMPARED]
    return "; ".join(filter(None, said))


class FilterModule:
    """Filters of role argocd."""

    def filters(self) -> dict[str, Any]:
        """Name and function of each filter."""
        return {"argocd_faults": faults}
