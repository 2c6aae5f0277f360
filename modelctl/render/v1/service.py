"""The Service in front of one release: what a route's weight names."""

from typing import Any

from modelctl.render.v1 import metadata
from modelctl.render.v1.container import PORT_NAME
from modelctl.repo.kinds import Model, Release

PORT = 80


def service(model: Model, release: Release) -> dict[str, Any]:
    """The Service of a release, with the defaults that the API server would fill in."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata.release_metadata(model, release),
        "spec": {
            "type": "ClusterIP",
            "selector": metadata.selector(model, release),
            "ports": [
                {
                    "name": PORT_NAME,
                    "port": PORT,
                    "protocol": "TCP",
                    "appProtocol": "http",
                    "targetPort": PORT_NAME,
                }
            ],
            "sessionAffinity": "None",
            "internalTrafficPolicy": "Cluster",
        },
    }
