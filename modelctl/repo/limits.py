"""What an environment allows its models: `limits` of an entry of `argocd/environments.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from modelctl.repo.quantities import amount

_MINUTE = "%Y-%m-%dT%H:%MZ"  # times in this form compare as text


@dataclass(frozen=True, slots=True)
class Freeze:
    """A time in which nothing new is applied, from one minute of UTC to another."""

    start: str
    until: str
    reason: str


@dataclass(frozen=True, slots=True)
class Nodes:
    """Nodes of one kind: how many, what pods can have of each, by resource, and who may run there.

    Of a taint its key: pods that do not tolerate it find no room.
    """

    count: int
    amounts: Mapping[str, Fraction]
    taints: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EnvironmentLimits:
    """Limits of an environment; None and nothing where there is none."""

    step_points: int | None = None
    step_minutes: int | None = None
    replicas: int | None = None
    memory: str | None = None
    artifact_stores: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    nodes: tuple[Nodes, ...] = ()

    def freeze_at(self, now: datetime) -> Freeze | None:
        """The freeze that a moment lies in."""
        minute = now.astimezone(UTC).strftime(_MINUTE)
        return next((f for f in self.freezes if f.start <= minute < f.until), None)


NO_LIMITS = EnvironmentLimits()


def limits(fields: Mapping[str, Any]) -> EnvironmentLimits:
    """The value of a field `limits` that has passed its schema."""
    return EnvironmentLimits(
        step_points=fields.get("step_points"),
        step_minutes=fields.get("step_minutes"),
        replicas=fields.get("replicas"),
        memory=fields.get("memory"),
        artifact_stores=tuple(fields.get("artifact_stores", ())),
        evidence=tuple(fields.get("evidence", ())),
        freezes=tuple(
            Freeze(each["from"], each["until"], each["reason"])
            for each in fields.get("freezes", ())
        ),
        nodes=tuple(_nodes(each) for each in fields.get("nodes", ())),
    )


def _nodes(fields: Mapping[str, Any]) -> Nodes:
    gpus = {name: Fraction(count) for name, count in fields.get("gpus", {}).items()}
    sizes = {"cpu": amount(fields["cpu"]), "memory": amount(fields["memory"])}
    return Nodes(fields["count"], sizes | gpus, frozenset(fields.get("taints", ())))
