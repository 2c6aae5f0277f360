"""The PrometheusRule of a model: what is recorded of it, and when somebody is told."""

from collections.abc import Iterator, Sequence
from typing import Any

from modelctl.render.v2 import metadata
from modelctl.render.v2.monitoring import alert, burn, comparison, measuring, pods, recording
from modelctl.render.v2.monitoring.alert import Alert
from modelctl.repo.kinds import Environment, Model, Release


def rule(model: Model, releases: Sequence[Release], environment: Environment) -> dict[str, Any]:
    """One group, evaluated in order: an alert reads what was recorded a moment before.

    Nothing of it follows from weights or from which release is stable; both come by series.
    """
    told = (alert.rule(each, model, environment) for each in alerts(model, releases))
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": metadata.model_metadata(model, component="monitoring"),
        "spec": {
            "groups": [
                {
                    "name": model.name,
                    "interval": "1m",
                    "rules": [*recording.rules(model), *told],
                }
            ]
        },
    }


def alerts(model: Model, releases: Sequence[Release]) -> Iterator[Alert]:
    """Every alert of a model; `releases` are the deployed ones."""
    yield from burn.alerts(model)
    yield from comparison.alerts(model)
    yield from pods.alerts(model, releases)
    yield from measuring.alerts(model)
