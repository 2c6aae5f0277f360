"""Planned changes through the real Envoy Gateway and a real Envoy, under load: nothing is lost."""

import copy
import re

from tests.cluster import world
from tests.cluster.live import envoy_gateway
from tests.cluster.live.stage import Stage, of_gateway
from tests.cluster.world import MODEL
from waiting import until

_CONNECTIONS = 4
_MANY = 24
_SHADOWED = re.compile(r'^\w+requests_total\{.*role="shadow".*\} ([0-9.e+]+)$', re.MULTILINE)
_WITH_STATUS = {
    "gateway.networking.k8s.io/v1": ("HTTPRoute", "Gateway", "GatewayClass"),
    "gateway.envoyproxy.io/v1alpha1": (
        "BackendTrafficPolicy",
        "ClientTrafficPolicy",
        "EnvoyPatchPolicy",
        "SecurityPolicy",
    ),
}


def test_everything_is_accepted(live: Stage) -> None:
    """The controller says so of each route and policy, and of the Gateway."""
    found = [
        item
        for api_version, kinds in _WITH_STATUS.items()
        for kind in kinds
        for item in live.api.list(api_version, kind)
    ]
    refused = [
        (item["kind"], item["metadata"]["name"], item.get("status"))
        for item in found
        if not envoy_gateway.accepted(item)
    ]

    assert found
    assert [] == refused


def test_operations_and_their_reverts(live: Stage) -> None:
    """Introduce, shift, promote, retire, roll back, and the revert of each."""
    with live.load(_CONNECTIONS) as load:
        live.do("shift", "r2=0")
        live.until_warm("r2")
        live.do("shift", "r2=50")
        live.settle(load, "r1", "r2")
        live.revert()
        live.settle(load, "r1")
        live.revert()
        live.settle(load, "r1", "r2")
        live.do("promote", "--release", "r2")
        live.settle(load, "r2")
        live.revert()
        live.settle(load, "r1", "r2")
        live.revert()
        live.settle(load, "r2")
        live.do("rollback")
        live.settle(load, "r1")
        live.revert()
        live.settle(load, "r2")
        live.do("retire", "--release", "r1")
        live.settle(load, "r2")
        live.revert()
        live.until_warm("r1")
        live.do("promote", "--release", "r1")
        live.settle(load, "r1")
        live.do("retire", "--release", "r2")
        live.settle(load, "r1")

    assert [] == load.failures
    assert [] == live.world.faults


def test_a_policy_changes_beside_shifts(live: Stage) -> None:
    """All traffic changes release while the Gateway's policy changes, several times."""
    policy = next(
        i for i in of_gateway(live.world.ground.root) if i["kind"] == "BackendTrafficPolicy"
    )
    with live.load(_CONNECTIONS) as load:
        live.do("shift", "r2=0")
        live.until_warm("r2")
        for number, release in enumerate(("r2", "r1", "r2", "r1")):
            changed = copy.deepcopy(policy)
            changed["spec"]["timeout"]["http"]["streamIdleTimeout"] = f"{200 + number}s"
            live.api.apply(changed)
            live.do("promote", "--release", release)
            live.settle(load, release)
        live.api.apply(policy)

    assert [] == load.failures


def test_a_shadow_gets_copies_alone(live: Stage) -> None:
    """Its answers reach nobody, it counts them as copies, and its coming and going lose nothing."""
    with live.load(_CONNECTIONS) as load:
        live.do("shift", "r2=0")
        live.until_warm("r2")
        world.serve(live.world.ground, {"r1": 100}, shadow=("r2", 50))
        live.world.ground.commit(f"apps/{MODEL}: Copy to r2")
        live.follow()
        until(lambda: _copies(live) > 50)
        live.revert()
        live.settle(load, "r1")

    assert [] == load.failures
    assert {"r1"} == set(load.releases)


def test_a_killed_replica_costs_what_it_was_answering(live: Stage) -> None:
    """Endpoints still name it; what no server has seen is tried elsewhere, of however many."""
    world.serve(live.world.ground, {"r1": 100}, replicas=2)
    live.world.ground.commit(f"apps/{MODEL}: Serve on two replicas")
    live.follow()
    live.until_warm("r1", pods=2)
    with live.load(_MANY) as load:
        live.settle(load, "r1")
        live.pods.frozen = True
        live.pods.kill(f"{MODEL}-r1")
        live.settle(load, "r1")
        live.settle(load, "r1")
        live.pods.frozen = False
        live.until_warm("r1", pods=2)

    assert len(load.failures) <= _MANY


def _copies(live: Stage) -> float:
    return sum(float(found) for found in _SHADOWED.findall(live.pod_metrics("r2")))
