"""Which pods a drain moves, in which order, and what it says of those that will not go."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.plugins import load

pytestmark = pytest.mark.roles  # the module imports Ansible

REPOSITORY = Path(__file__).parents[2]
PATH = REPOSITORY / "roles/node_drain/library/node_drain_evict.py"


def pod(
    name: str, *, gpu: bool = False, owner: str = "ReplicaSet", **spec: object
) -> dict[str, Any]:
    """A running pod as the API gives it."""
    limits = {"nvidia.com/gpu": "1"} if gpu else {"cpu": "1"}
    owners = [{"kind": owner}] if owner else []
    return {
        "metadata": {"namespace": "a", "name": name, "uid": name, "ownerReferences": owners},
        "spec": {"containers": [{"resources": {"limits": limits}}], **spec},
        "status": {"phase": "Running"},
    }


@pytest.fixture(scope="module")
def evict() -> ModuleType:
    """The module of role node_drain."""
    return load(PATH)


class Node:
    """A node whose pods end as soon as nothing refuses them."""

    def __init__(self, pods: list[dict[str, Any]], refused: dict[str, int]) -> None:
        self.there = list(pods)
        self.refused = dict(refused)

    def pods(self, _node: str) -> list[dict[str, Any]]:
        """The pods that are still there."""
        return list(self.there)

    def remove(self, thing: dict[str, Any]) -> str:
        """Refuses as often as it was told to."""
        name = thing["metadata"]["name"]
        if self.refused.get(name, 0):
            self.refused[name] -= 1
            return "PodDisruptionBudget a/keep"
        self.there.remove(thing)
        return ""


def test_pods_with_gpus_go_last(evict: ModuleType) -> None:
    """A pod that holds a GPU moves after those that do not, whatever their names."""
    waves = evict.plan([pod("a", gpu=True), pod("b"), pod("c", gpu=True)]).waves

    assert [["a/b"], ["a/a", "a/c"]] == [[evict.name_of(p) for p in wave] for wave in waves]


def test_a_claim_of_a_device_counts_as_gpu(evict: ModuleType) -> None:
    """A pod that gets its device by a resource claim goes with the GPU pods."""
    assert evict.uses_gpu(pod("a", resourceClaims=[{"name": "gpu"}]))


@pytest.mark.parametrize("owner", ["DaemonSet", "Node"])
def test_what_belongs_to_the_node_stays(evict: ModuleType, owner: str) -> None:
    """Pods of DaemonSets stay, even with an emptyDir, and so do static pods."""
    assert () == evict.plan([pod("a", owner=owner, volumes=[{"emptyDir": {}}])]).waves


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_finished_pod_is_in_nobodys_way(evict: ModuleType, phase: str) -> None:
    """A pod that has ended needs no eviction."""
    assert evict.stays(pod("a") | {"status": {"phase": phase}})


def test_a_pod_without_controller_is_refused(evict: ModuleType) -> None:
    """Nothing would make such a pod anew, so the message names it and the variable."""
    todo = evict.plan([pod("lonely", owner="")])

    message = evict.refusal(todo, force=False, delete_emptydir_data=True)

    assert "a/lonely" in message
    assert "node_drain_force=true" in message
    assert "" == evict.refusal(todo, force=True, delete_emptydir_data=True)


def test_data_in_an_emptydir_can_be_kept(evict: ModuleType) -> None:
    """Whoever asks that such data is kept gets a refusal that names the pod."""
    todo = evict.plan([pod("cache", volumes=[{"name": "c", "emptyDir": {}}])])

    assert "a/cache" in evict.refusal(todo, force=False, delete_emptydir_data=False)
    assert "" == evict.refusal(todo, force=False, delete_emptydir_data=True)


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ({"matchLabels": {"app": "x"}}, True),
        ({"matchLabels": {"app": "y"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["x"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["x"]}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, False),
        ({}, True),
    ],
)
def test_a_budget_is_found_by_its_selector(
    evict: ModuleType, selector: dict[str, Any], *, matches: bool
) -> None:
    """A PodDisruptionBudget holds the pods that its selector matches."""
    assert matches == evict.selects(selector, {"app": "x"})


def test_a_refused_eviction_is_tried_again(evict: ModuleType) -> None:
    """A budget that refuses twice and then lets go ends in an empty node."""
    node = Node([pod("a"), pod("b")], refused={"a": 2})
    outcome = evict.Outcome()

    evict.drain(
        node, node.pods(""), outcome, node="n", remove=node.remove, deadline=9e9, interval_s=0
    )

    assert {} == outcome.blocked
    assert ["a/b", "a/a"] == outcome.evicted


def test_at_the_deadline_the_budget_is_named(evict: ModuleType) -> None:
    """What is left at the deadline is listed with the budget that holds it."""
    node = Node([pod("a"), pod("b")], refused={"a": 99})
    outcome = evict.Outcome()

    evict.drain(
        node, node.pods(""), outcome, node="n", remove=node.remove, deadline=0, interval_s=0
    )

    assert {"a/a": "PodDisruptionBudget a/keep"} == outcome.blocked
    assert ["a/b"] == outcome.evicted
