"""The Service in front of one release: what a route's weight names, and its copies.

Copies of requests have a port of their own: a gateway sends them with the headers of the request
that they copy, so that by nothing else a server could tell them apart.
"""

from typing import Any

from modelctl.render.v1 import metadata
from modelctl.render.v2.container import MIRROR_PORT_NAME, PORT_NAME
from modelctl.repo.kinds import Model, Release

PORT = 80
MIRROR_PORT = 82


def service(model: Model, release: Release) -> dict[str, Any]:
    """The Service of a release, with the defaults that the API server would fill in."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata.release_metadata(model, release),
        "spec": {
            "type": "ClusterIP",
            "selector": metadata.selector(model, release),
            "ports": [_port(PORT_NAME, PORT), _port(MIRROR_PORT_NAME, MIRROR_PORT)],
            "sessionAffinity": "None",
            "internalTrafficPolicy": "Cluster",
        },
    }


def _port(name: str, port: int) -> dict[str, Any]:
    return {
        "name": name,
        "port": port,
        "protocol": "TCP",
        "appProtocol": "http",
        "targetPort": name,
    }
