"""Placing pods on nodes: what is said to have no room has none, as far as every pod alone tells."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from modelctl.check.packing import Pod, without_room
from modelctl.repo.limits import Nodes

GPU = "nvidia.com/gpu"


def pod(cpu: int, gpus: int = 0) -> Pod:
    """A pod with as much memory as cpu."""
    amounts = {"cpu": Fraction(cpu), "memory": Fraction(cpu)}
    return Pod("m", "r1", "prod", amounts | ({GPU: Fraction(gpus)} if gpus else {}))


def nodes(count: int, cpu: int, gpus: int = 0) -> Nodes:
    """Nodes with as much memory as cpu."""
    amounts = {"cpu": Fraction(cpu), "memory": Fraction(cpu)}
    return Nodes(count, amounts | ({GPU: Fraction(gpus)} if gpus else {}))


def test_amounts_are_not_spread_over_nodes() -> None:
    """Two halves of a free node on two nodes are no room for a whole one."""
    assert [pod(3)] == without_room([nodes(2, 4)], [pod(3), pod(3), pod(3)])


def test_pods_without_gpu_leave_the_nodes_that_have_some() -> None:
    """A pod that needs no GPU takes no room from those that do, while there is other room."""
    kinds = [nodes(1, 4, gpus=1), nodes(1, 4)]

    assert [] == without_room(kinds, [pod(4), pod(4, gpus=1)])


@given(
    kinds=st.lists(st.builds(nodes, st.integers(1, 3), st.integers(1, 8), st.integers(0, 2))),
    pods=st.lists(st.builds(pod, st.integers(1, 6), st.integers(0, 2)), max_size=8),
)
def test_what_is_placed_fits(kinds: list[Nodes], pods: list[Pod]) -> None:
    """What is placed is no more than all nodes have; what no node could hold is always left."""
    left = without_room(kinds, pods)
    placed = list(pods)
    for each in left:
        placed.remove(each)
    for name in ("cpu", "memory", GPU):
        asked = sum(each.amounts.get(name, 0) for each in placed)
        assert asked <= sum(kind.amounts.get(name, 0) * kind.count for kind in kinds)
    hopeless = [
        each
        for each in pods
        if not any(
            all(kind.amounts.get(name, 0) >= size for name, size in each.amounts.items())
            for kind in kinds
        )
    ]

    assert len(hopeless) <= len(left)
