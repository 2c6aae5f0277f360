"""One alert: what it is about, how bad it is, and where to go on."""

from dataclasses import dataclass, field
from typing import Any, Literal

from modelctl.render.v2 import metadata
from modelctl.repo.kinds import ArgoCd, Environment, Model

_DASHBOARD = "modelctl-model"  # the uid of a model's dashboard
_RUNBOOK = "docs/explanation/monitoring.md"  # of this project, where the environment names no page


@dataclass(frozen=True, slots=True)
class Alert:
    """What is told, of which release, once `expr` has held for so long.

    `severity` is `critical` where callers are hurt now, else `warning`. Texts are Prometheus'
    templates; `anchor` is the heading of the runbook.
    """

    name: str
    expr: str
    for_s: int
    severity: Literal["critical", "warning"]
    summary: str
    description: str
    anchor: str
    labels: dict[str, str] = field(default_factory=dict)


def rule(alert: Alert, model: Model, environment: Environment) -> dict[str, Any]:
    """The alert as a rule of Prometheus."""
    known = environment.argocd or ArgoCd()
    query = f"var-model={model.name}&var-release={{{{ $labels.release }}}}"
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": f"{alert.for_s}s",
        "labels": {
            "severity": alert.severity,
            "environment": environment.name,
            "team": model.owner,
            "namespace": metadata.namespace(model),
            "model": model.name,
            **alert.labels,
        },
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{known.runbooks_url or _RUNBOOK}#{alert.anchor}",
            "dashboard_url": f"{(known.dashboards_url or '').rstrip('/')}/d/{_DASHBOARD}?{query}",
        },
    }
