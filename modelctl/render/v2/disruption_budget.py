"""The PodDisruptionBudget of one release."""

from typing import Any

from modelctl.render.v2 import metadata
from modelctl.repo.kinds import Model, Release


def disruption_budget(model: Model, release: Release) -> dict[str, Any]:
    """One pod at a time may be evicted: a drain of nodes goes on whatever the replica count.

    A pod that is not ready protects nothing, so it may always go.
    """
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata.release_metadata(model, release),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": metadata.selector(model, release)},
        },
    }
