"""Only the gateway and monitoring reach a model's pods, and these only its artifacts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.modelctl.render.v1.conftest import Placement


def _policy(placement: Placement) -> dict[str, Any]:
    (policy,) = placement.of_kind("NetworkPolicy")
    spec: dict[str, Any] = policy["spec"]
    return spec


def test_both_directions_are_closed_but_for_what_is_named(plain: Placement) -> None:
    """Requests come from the gateway's namespace and scrapes from monitoring, on one port."""
    policy = _policy(plain)
    (ingress,) = policy["ingress"]
    namespaces = [
        item["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for item in ingress["from"]
    ]

    assert ["Ingress", "Egress"] == policy["policyTypes"]
    assert ["gateway", "monitoring"] == namespaces
    assert [{"protocol": "TCP", "port": "http"}] == ingress["ports"]


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

    assert [] == _policy(replace(plain, environment=environment))["egress"]
