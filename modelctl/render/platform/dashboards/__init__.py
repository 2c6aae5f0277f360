"""Grafana's dashboards, as ConfigMaps that its sidecar finds by their label."""

import json
from typing import Any

from modelctl.render.platform.dashboards import dashboard
from modelctl.render.platform.dashboards.dashboard import Dashboard
from modelctl.render.platform.dashboards.fleet import FLEET
from modelctl.render.platform.dashboards.model import MODEL
from modelctl.repo.kinds import Environment

DASHBOARDS = (FLEET, MODEL)


def objects(environment: Environment) -> tuple[dict[str, Any], ...]:
    """One ConfigMap a dashboard, where Prometheus and Grafana are; none without a cluster."""
    if environment.engine != "argocd":
        return ()
    return tuple(_config_map(environment, each) for each in DASHBOARDS)


def _config_map(environment: Environment, each: Dashboard) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": f"dashboard-{each.uid}",
            "namespace": environment.network.monitoring_namespace,
            "labels": {
                "grafana_dashboard": "1",
                "app.kubernetes.io/name": each.uid,
                "app.kubernetes.io/component": "monitoring",
                "app.kubernetes.io/part-of": "models",
                "app.kubernetes.io/managed-by": "modelctl",
            },
        },
        "data": {f"{each.uid}.json": json.dumps(dashboard.json_of(each), indent=1) + "\n"},
    }
