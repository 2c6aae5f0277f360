"""Only the gateway and monitoring reach a model's pods, and these only its artifacts.

Where those are, the environment says.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelctl.repo.kinds import Artifact, Dns, Gateway, Network, Stores

if TYPE_CHECKING:
    from tests.modelctl.render.v2.conftest import Placement


# A busy machine is no fault of the renderer: no limits on the time of an example.
EXAMPLES = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _policy(placement: Placement) -> dict[str, Any]:
    (policy,) = placement.of_kind("NetworkPolicy")
    spec: dict[str, Any] = policy["spec"]
    return spec


def test_both_directions_are_closed_but_for_what_is_named(plain: Placement) -> None:
    """Requests and copies come from the gateway's namespace, scrapes from monitoring."""
    policy = _policy(plain)
    requests, scrapes = policy["ingress"]

    assert ["Ingress", "Egress"] == policy["policyTypes"]
    assert ["gateway"] == _namespaces(requests["from"])
    assert ["http", "mirror"] == [port["port"] for port in requests["ports"]]
    assert ["monitoring"] == _namespaces(scrapes["from"])
    assert ["http"] == [port["port"] for port in scrapes["ports"]]


def test_requests_come_from_where_the_gateways_pods_are(plain: Placement) -> None:
    """A gateway whose pods run in another namespace than it lies in is let in from there."""
    gateway = Gateway("models", "gateway", "https", "m.example.com", proxies_namespace="envoys")
    environment = replace(
        plain.environment, gateway=gateway, network=Network(monitoring_namespace="watch")
    )

    requests, scrapes = _policy(replace(plain, environment=environment))["ingress"]

    assert ["envoys"] == _namespaces(requests["from"])
    assert ["watch"] == _namespaces(scrapes["from"])


def test_names_are_asked_where_the_environment_says(plain: Placement) -> None:
    """The namespace of the name service, and its addresses on each node."""
    network = Network(dns=Dns("names", ("169.254.20.10/32", "fd00::10/128")))
    environment = replace(plain.environment, network=network)

    names, _ = _policy(replace(plain, environment=environment))["egress"]

    assert ["names"] == _namespaces(names["to"][:1])
    assert ["169.254.20.10/32", "fd00::10/128"] == [to["ipBlock"]["cidr"] for to in names["to"][1:]]


@EXAMPLES
@given(data=st.data())
def test_metadata_addresses_are_reached_where_that_is_said_alone(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """Of no version of IP an address that gives credentials is open, unless stores ask for it."""
    placement = data.draw(arbitrary)
    network, stores = placement.environment.network, placement.environment.stores
    opened = [
        (ip_network(to["ipBlock"]["cidr"]), [*map(ip_network, to["ipBlock"].get("except", []))])
        for rule in _policy(placement).get("egress", [])[1:]
        for to in rule["to"]
    ]

    for address in map(ip_network, network.metadata_addresses):
        assert (stores.metadata_service and bool(opened)) == any(
            _contains(block, address) and not any(_contains(each, address) for each in closed)
            for block, closed in opened
        )
    for block, closed in opened:
        assert all(_contains(block, each) and each != block for each in closed)


def _contains(block: Any, other: Any) -> bool:  # noqa: ANN401 - networks of both versions
    return block.version == other.version and bool(other.subnet_of(block))


def _namespaces(peers: list[dict[str, Any]]) -> list[str]:
    return [
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for peer in peers
    ]


@pytest.mark.parametrize(
    ("mirrors", "expected"),
    [
        ({}, [443]),
        ({"https://models.example.com/": "https://near.example.com:8443/"}, [8443]),
        ({"https://models.example.com/digits-cnn/r1.onnx": "s3://m/r1.onnx"}, [443]),
        ({"https://models.example.com/digits-cnn/r1.onnx": "https://n:9000/a"}, [443, 9000]),
        ({"https://models.example.com/": "https://near.example.com:none/"}, [443]),
        ({"https://models.example.com/": "https://[/"}, [443]),
    ],
)
def test_egress_is_open_to_the_ports_of_artifacts(
    plain: Placement, mirrors: dict[str, str], expected: list[int]
) -> None:
    """The name service, and the ports that the environment's artifacts are fetched from."""
    environment = replace(plain.environment, artifact_mirrors=mirrors)

    names, artifacts = _policy(replace(plain, environment=environment))["egress"]

    assert [("UDP", 53), ("TCP", 53)] == [(p["protocol"], p["port"]) for p in names["ports"]]
    assert expected == [port["port"] for port in artifacts["ports"]]


def test_nothing_is_open_where_nothing_is_fetched(plain: Placement) -> None:
    """An environment that reads its artifacts from files needs no way out."""
    environment = replace(
        plain.environment, artifact_mirrors={"https://models.example.com/": "file:"}
    )

    assert "egress" not in _policy(replace(plain, environment=environment))


def test_nothing_is_open_for_what_a_node_pulls(plain: Placement) -> None:
    """An image that is mounted is fetched by nobody in the pod."""
    artifact = Artifact(f"oci://r.example.com:5000/m@sha256:{'a' * 64}", "b" * 64, 1, "image")
    release = replace(plain.releases["r1"], artifact=artifact, golden=None)

    assert "egress" not in _policy(replace(plain, releases={"r1": release}))


def test_the_metadata_service_is_open_where_stores_ask(plain: Placement) -> None:
    """Its addresses of both versions of IP, on its ports alone."""
    environment = replace(plain.environment, stores=Stores(metadata_service=True))

    *_, metadata = _policy(replace(plain, environment=environment))["egress"]

    assert list(environment.network.metadata_addresses) == [
        to["ipBlock"]["cidr"] for to in metadata["to"]
    ]
    assert [80, 988] == [port["port"] for port in metadata["ports"]]
