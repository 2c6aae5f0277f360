"""The NetworkPolicy around a model's pods: everything is refused but what is named here."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from modelctl.render.v1 import metadata, stores
from modelctl.render.v2.container import MIRROR_PORT_NAME, PORT_NAME
from modelctl.repo.kinds import Environment, Model, Release, Stores
from modelctl.repo.mirrors import mirrored

# Namespaces: who scrapes metrics, and who answers for names.
_MONITORING = "monitoring"
_DNS_NAMESPACE = "kube-system"
_DNS_PORT = 53
_HTTPS_PORT = 443
# Every address but the link-local ones, where clouds hand out credentials.
_ANYWHERE = (
    {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}},
    {"ipBlock": {"cidr": "::/0", "except": ["fe80::/10"]}},
)
# Where they do so to pods that may ask; 988 is the port of GKE's metadata server on a node.
_METADATA = ({"ipBlock": {"cidr": "169.254.0.0/16"}}, {"ipBlock": {"cidr": "fd00:ec2::/32"}})
_METADATA_PORTS = (80, 988)


def network_policy(
    model: Model, releases: Sequence[Release], environment: Environment
) -> dict[str, Any]:
    """Requests from the gateway, scrapes from monitoring, and the way to the artifacts."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata.model_metadata(model, component="server"),
        "spec": {
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": model.name}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {
                    "from": [_namespace(environment.gateway.namespace)],
                    "ports": _tcp([PORT_NAME, MIRROR_PORT_NAME]),
                },
                {"from": [_namespace(_MONITORING)], "ports": _tcp([PORT_NAME])},
            ],
            "egress": _egress(set(_fetch_ports(releases, environment)), environment.stores),
        },
    }


def _egress(fetch_ports: set[int], reached: Stores) -> list[dict[str, Any]]:
    """Name service and the ports that artifacts are fetched from; nothing where none is fetched.

    A policy knows addresses, not names, and an artifact store is a name: so its port is open
    towards every address, and to no other port. The server verifies the digest of what it gets.
    """
    if not fetch_ports:
        return []
    ports = _tcp(sorted(fetch_ports | stores.ports(reached)))
    dns = [{"protocol": protocol, "port": _DNS_PORT} for protocol in ("UDP", "TCP")]
    return [
        {"to": [_namespace(_DNS_NAMESPACE)], "ports": dns},
        {"to": list(_ANYWHERE), "ports": ports},
        *(
            [{"to": list(_METADATA), "ports": _tcp(_METADATA_PORTS)}]
            if reached.metadata_service
            else []
        ),
    ]


def _tcp(ports: Iterable[int | str]) -> list[dict[str, Any]]:
    return [{"protocol": "TCP", "port": port} for port in ports]


def _fetch_ports(releases: Iterable[Release], environment: Environment) -> Iterator[int]:
    for release in releases:
        uris = [release.artifact.uri, *([release.golden.uri] if release.golden else [])]
        for uri in uris:
            place = mirrored(uri, environment.artifact_mirrors)
            if not place.startswith("file:"):
                yield _port(place)


def _port(uri: str) -> int:
    """The port of a store: an object store's scheme means https on its own port, or `stores`."""
    if not uri.startswith(("https:", "oci:")):
        return _HTTPS_PORT
    try:
        return urlsplit(uri).port or _HTTPS_PORT
    except ValueError:  # no port number; a server would refuse the URI as well
        return _HTTPS_PORT


def _namespace(name: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}
