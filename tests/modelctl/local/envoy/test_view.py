"""What Envoy says of its endpoints."""

import json

import pytest

from modelctl.local.envoy.view import View, parse_view
from modelctl.local.plan.values import Lane


def host(port: int, active: int = 0, **health: object) -> dict[str, object]:
    """An endpoint as Envoy writes it; numbers of 0 are left out."""
    number = {"value": str(active)} if active else {}
    return {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "stats": [{"name": "rq_active", **number}],
        "health_status": {"eds_health_status": "HEALTHY", **health},
    }


def view(**clusters: list[dict[str, object]]) -> View:
    """The view of clusters named `<service>_<lane>` here."""
    statuses = [
        {"name": name.replace("_", "~"), "host_statuses": hosts} for name, hosts in clusters.items()
    ]
    return parse_view(json.dumps({"cluster_statuses": statuses}).encode())


def test_ready_in_a_lane() -> None:
    """A Service is ready in a lane where one of its endpoints is in health."""
    found = view(s_weighted=[host(1, failed_active_health_check=True), host(2)], s_direct=[])

    assert found.ready("s", Lane.WEIGHTED)
    assert not found.ready("s", Lane.DIRECT)
    assert not found.ready("other", Lane.WEIGHTED)


@pytest.mark.parametrize(
    "health",
    [
        {"failed_active_health_check": True},
        {"pending_active_hc": True},
        {"eds_health_status": "DRAINING"},
    ],
)
def test_not_in_health(health: dict[str, object]) -> None:
    """An endpoint that is checked badly, not yet, or draining is not in health."""
    assert frozenset() == view(s_weighted=[host(1, **health)]).healthy_ports()


def test_healthy_in_every_lane() -> None:
    """A port counts as healthy once Envoy uses it in every lane."""
    found = view(
        s_weighted=[host(1), host(2)], s_direct=[host(1), host(2, failed_active_health_check=True)]
    )

    assert {1} == found.healthy_ports()


def test_drained() -> None:
    """A port is drained when it gets nothing new and nothing is in flight, in any lane."""
    busy = view(
        s_weighted=[host(1, eds_health_status="DRAINING")],
        s_direct=[host(1, 3, eds_health_status="DRAINING")],
    )
    idle = view(s_weighted=[host(1, eds_health_status="DRAINING")], s_direct=[])

    assert (False, True) == (busy.drained(1), idle.drained(1))
    assert idle.drained(2)
    assert not view(s_weighted=[host(1)]).drained(1)


def test_without_an_answer() -> None:
    """While Envoy does not answer, nothing is known to be ready or drained."""
    assert not View().ready("s", Lane.WEIGHTED)
    assert not View().drained(1)


def test_other_pages() -> None:
    """A page without clusters is an empty view; no JSON at all is an error."""
    assert View() == parse_view(b"{}")
    with pytest.raises(ValueError, match="Expecting value"):
        parse_view(b"no healthy upstream")
