"""The NetworkPolicy around a model's pods: everything is refused but what is named here.

Which namespaces and addresses those are, the environment says.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from modelctl.render.v2 import artifact, metadata, stores
from modelctl.render.v2.container import MIRROR_PORT_NAME, PORT_NAME
from modelctl.repo.kinds import Dns, Environment, Model, Network, Release
from modelctl.repo.mirrors import STORE

_DNS_PORT = 53
_HTTPS_PORT = 443
_NEAR = ("file:", STORE)  # what needs no network
_METADATA_PORTS = (80, 988)  # of clouds; 988 is GKE's, on a node
# All addresses of a version of IP, and the link-local ones among them: no store has such a one.
_EVERYWHERE = {4: ("0.0.0.0/0", "169.254.0.0/16"), 6: ("::/0", "fe80::/10")}

_Part = dict[str, Any]


def network_policy(model: Model, releases: Sequence[Release], environment: Environment) -> _Part:
    """Requests from the gateway, scrapes from monitoring, and the way to the artifacts.

    An empty list of ways out is left out: the API server drops it, and would count each sync of
    the same object as a change.
    """
    egress = _egress(set(_fetch_ports(releases, environment)), environment)
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata.model_metadata(model, component="server"),
        "spec": {
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": model.name}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {
                    "from": [_namespace(environment.gateway.pods_namespace)],
                    "ports": _tcp([PORT_NAME, MIRROR_PORT_NAME]),
                },
                {
                    "from": [_namespace(environment.network.monitoring_namespace)],
                    "ports": _tcp([PORT_NAME]),
                },
            ],
            **({"egress": egress} if egress else {}),
        },
    }


def _egress(fetch_ports: set[int], environment: Environment) -> list[_Part]:
    """Name service and the ports that artifacts are fetched from; nothing where none is fetched.

    A policy knows addresses, not names, and an artifact store is a name: so its port is open
    towards every address, and to no other port. The server verifies the digest of what it gets.
    """
    if not fetch_ports:
        return []
    network, reached = environment.network, environment.stores
    ports = _tcp(sorted(fetch_ports | stores.ports(reached)))
    open_to_metadata = {"to": _metadata(network), "ports": _tcp(_METADATA_PORTS)}
    return [
        _names(network.dns),
        {"to": _anywhere(network), "ports": ports},
        *([open_to_metadata] if reached.metadata_service and network.metadata_addresses else []),
    ]


def _names(dns: Dns) -> _Part:
    """Who answers for names: pods of a namespace, or of every node by an address of its own."""
    ports = [{"protocol": protocol, "port": _DNS_PORT} for protocol in ("UDP", "TCP")]
    return {"to": [_namespace(dns.namespace), *map(_block, dns.addresses)], "ports": ports}


def _anywhere(network: Network) -> list[_Part]:
    """Every address but the link-local ones and those where clouds hand out credentials."""
    addresses = network.metadata_addresses
    return [
        {"ipBlock": {"cidr": every, "except": [local, *_apart(addresses, version, local)]}}
        for version, (every, local) in _EVERYWHERE.items()
    ]


@lru_cache  # the same few for every model
def _apart(addresses: tuple[str, ...], version: int, local: str) -> tuple[str, ...]:
    """The metadata addresses of a version of IP that are not link-local anyway."""
    blocks = {address: ip_network(address) for address in addresses}
    return tuple(
        address
        for address, block in blocks.items()
        if block.version == version and not block.subnet_of(ip_network(local))  # type: ignore[arg-type]  # of one version
    )


def _metadata(network: Network) -> list[_Part]:
    return [_block(address) for address in network.metadata_addresses]


def _block(address: str) -> _Part:
    return {"ipBlock": {"cidr": address}}


def _tcp(ports: Iterable[int | str]) -> list[_Part]:
    return [{"protocol": "TCP", "port": port} for port in ports]


def _fetch_ports(releases: Iterable[Release], environment: Environment) -> Iterator[int]:
    for release in releases:
        for place in artifact.fetched(release, environment):
            if not place.startswith(_NEAR):
                yield _port(place)


def _port(uri: str) -> int:
    """The port of a store: an object store's scheme means https on its own port, or `stores`."""
    if not uri.startswith(("https:", "oci:")):
        return _HTTPS_PORT
    try:
        return urlsplit(uri).port or _HTTPS_PORT
    except ValueError:  # no port number; a server would refuse the URI as well
        return _HTTPS_PORT


def _namespace(name: str) -> _Part:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}
