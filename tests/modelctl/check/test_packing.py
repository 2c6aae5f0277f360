"""Placing pods on nodes: what is said to have no room has none, as far as every pod alone tells."""

from collections.abc import Sequence
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from modelctl.check.packing import Pod, surging_without_room, without_room
from modelctl.repo.limits import Nodes

GPU = "nvidia.com/gpu"


def pod(cpu: int, gpus: int = 0, memory: int = 0) -> Pod:
    """A pod with as much memory as cpu, if nothing else is said."""
    amounts = {"cpu": Fraction(cpu), "memory": Fraction(memory or cpu)}
    own = {GPU: Fraction(gpus)} if gpus else {}
    return Pod("m", "r1", "prod", amounts | own, frozenset({GPU} if gpus else ()))


def nodes(count: int, cpu: int, gpus: int = 0, *, is_tainted: bool = False) -> Nodes:
    """Nodes with as much memory as cpu."""
    amounts = {"cpu": Fraction(cpu), "memory": Fraction(cpu)}
    own = {GPU: Fraction(gpus)} if gpus else {}
    return Nodes(count, amounts | own, frozenset({GPU} if is_tainted else ()))


def test_amounts_are_not_spread_over_nodes() -> None:
    """Two halves of a free node on two nodes are no room for a whole one."""
    assert [pod(3)] == without_room([nodes(2, 4)], [pod(3), pod(3), pod(3)])


def test_pods_without_gpu_leave_the_nodes_that_have_some() -> None:
    """A pod that needs no GPU takes no room from those that do, while there is other room."""
    kinds = [nodes(1, 4, gpus=1), nodes(1, 4)]

    assert [] == without_room(kinds, [pod(4), pod(4, gpus=1)])


def test_pods_without_gpu_do_not_run_on_tainted_nodes() -> None:
    """A taint that only pods with a GPU tolerate leaves the others without room."""
    kinds = [nodes(1, 8, gpus=1, is_tainted=True)]

    assert [pod(4)] == without_room(kinds, [pod(4), pod(4, gpus=1)])


def test_a_slice_is_no_whole_gpu() -> None:
    """A GPU that is shared by time has a name of its own, and room for as many as it has slices."""
    amounts = {"cpu": Fraction(8), "memory": Fraction(8), f"{GPU}.shared": Fraction(2)}
    sliced = Pod("m", "r1", "prod", {**amounts, "cpu": Fraction(1), f"{GPU}.shared": Fraction(1)})
    small = Pod("m", "r1", "prod", {**sliced.amounts, "memory": Fraction(1)})

    assert [pod(1, gpus=1)] == without_room([Nodes(1, amounts)], [pod(1, gpus=1)])
    assert [small] == without_room([Nodes(1, amounts)], [small] * 3)


def test_a_rollout_needs_room_for_one_pod_more() -> None:
    """Where the replicas fill the nodes, the new pod of a rollout has none; with a GPU none is."""
    assert [pod(4)] == surging_without_room([nodes(2, 4)], [pod(4), pod(4)])
    assert [] == surging_without_room([nodes(3, 4)], [pod(4), pod(4)])
    assert [] == surging_without_room([nodes(2, 4, gpus=1)], [pod(4, gpus=1), pod(4, gpus=1)])


def test_a_way_is_found_that_the_largest_first_does_not_find() -> None:
    """Six pods fill two nodes of seven only as 3+2+2 each, not as 3+3 and 2+2+2."""
    pods = [pod(size) for size in (3, 3, 2, 2, 2, 2)]

    assert [] == without_room([nodes(2, 7)], pods)


def can_be_placed(
    pods: Sequence[Pod], free: Sequence[tuple[dict[str, Fraction], frozenset[str]]]
) -> bool:
    """Whether there is any way at all, by trying every one."""
    if not pods:
        return True
    first, *others = pods
    for at, (amounts, taints) in enumerate(free):
        left = {name: amounts.get(name, Fraction(0)) for name in (*amounts, *first.amounts)}
        left |= {name: left[name] - size for name, size in first.amounts.items()}
        if taints <= first.tolerated and min(left.values()) >= 0:
            rest = [*free[:at], (left, taints), *free[at + 1 :]]
            if can_be_placed(others, rest):
                return True
    return False


@given(
    kinds=st.lists(
        st.builds(
            nodes, st.just(1), st.integers(2, 9), st.integers(0, 2), is_tainted=st.booleans()
        ),
        min_size=1,
        max_size=3,
    ),
    pods=st.lists(
        st.builds(pod, st.integers(1, 6), st.integers(0, 1), st.integers(1, 6)), max_size=6
    ),
)
def test_there_is_room_exactly_where_any_way_has_room(kinds: list[Nodes], pods: list[Pod]) -> None:
    """Pods are said to find no node only where no way at all places them."""
    free = [(dict(kind.amounts), kind.taints) for kind in kinds]

    assert can_be_placed(pods, free) == (not without_room(kinds, pods))


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
