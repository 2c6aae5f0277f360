"""The weights in git as series, so that what is measured can be held against them.

They have an object of their own: a commit that moves traffic changes the routes and this, and
neither an alert nor its state.
"""

from typing import Any

from modelctl.render.v2 import metadata
from modelctl.render.v2.monitoring.promql import WEIGHT
from modelctl.repo.kinds import Model, Serving

_NAME_SUFFIX = ".weights"  # no model's name has a dot, so that no other rule is called so


def weights(model: Model, serving: Serving) -> dict[str, Any]:
    """One series a deployed release: its percent, and whether it is stable, canary or shadow."""
    described = metadata.model_metadata(model, component="monitoring")
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {**described, "name": f"{model.name}{_NAME_SUFFIX}"},
        "spec": {
            "groups": [
                {
                    "name": f"{model.name} weights",
                    "interval": "1m",
                    "rules": [_weight(model, serving, release) for release in serving.deployed],
                }
            ]
        },
    }


def _weight(model: Model, serving: Serving, release: str) -> dict[str, Any]:
    return {
        "record": WEIGHT,
        "expr": f"vector({serving.weights.get(release, 0)})",
        "labels": {
            "namespace": metadata.namespace(model),
            "model": model.name,
            "release": release,
            "role": _role(serving, release),
        },
    }


def _role(serving: Serving, release: str) -> str:
    if release == serving.stable:
        return "stable"
    return "canary" if release in serving.weights else "shadow"
