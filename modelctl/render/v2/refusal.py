"""The HTTPRouteFilter that answers requests for a release that is not deployed."""

import json
from typing import Any

from modelctl.render.v1 import metadata
from modelctl.repo.kinds import Model, Serving

KIND = "HTTPRouteFilter"
GROUP = "gateway.envoyproxy.io"
_NOT_FOUND = 404


def name(model: Model) -> str:
    """Name of the filter; models of one team share a namespace, so it is each one's own."""
    return f"{model.name}-unknown-release"


def release_filter(model: Model, serving: Serving) -> dict[str, Any]:
    """A request that names a release reaches it or is refused, never answered by another."""
    deployed = ", ".join(serving.deployed)
    error = f"this release of {model.name} is not deployed; deployed: {deployed}"
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": KIND,
        "metadata": {**metadata.model_metadata(model, component="route"), "name": name(model)},
        "spec": {
            "directResponse": {
                "statusCode": _NOT_FOUND,
                "contentType": "application/json",
                "body": {
                    "type": "Inline",
                    "inline": json.dumps({"error": error}, separators=(",", ":")),
                },
            }
        },
    }
