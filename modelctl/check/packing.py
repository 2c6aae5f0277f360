"""Whether the pods of an environment have room on its nodes, by placing them.

One pod after the other goes to the first node with room. Where that leaves some over, other ways
are searched for a bounded time: what is said to have no room shall have none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from modelctl.repo.kinds import Release
from modelctl.repo.limits import Nodes
from modelctl.repo.quantities import amount
from modelctl.repo.repository import ModelFiles, Repository

Amounts = Mapping[str, Fraction]  # by resource
PODS = "pods"  # counted like a resource

_MOST_LOOKS = 20_000  # at nodes, of a search: a fifth of a second


@dataclass(frozen=True, slots=True)
class Pod:
    """One replica of a release, what it asks for, and the taints that it tolerates."""

    folder: str
    release: str
    environment: str
    amounts: Amounts = field(hash=False)
    tolerated: frozenset[str] = frozenset()

    @property
    def has_gpu(self) -> bool:
        """Whether it asks for more than cpu and memory."""
        return len(self.amounts) > 2  # noqa: PLR2004 - these two


@dataclass(frozen=True, slots=True)
class Fleet:
    """All pods of the environments that say which nodes they have."""

    repository: Repository
    pods: Sequence[Pod]
    asked: Mapping[tuple[str, str], Amounts] = field(default_factory=dict)  # by team, environment


@dataclass(slots=True)
class _Node:
    """A node, and what is free on it."""

    free: dict[str, Fraction]
    taints: frozenset[str]

    def has_room(self, pod: Pod) -> bool:
        return self.taints <= pod.tolerated and all(
            self.free.get(name, Fraction(0)) >= size for name, size in pod.amounts.items()
        )

    def take(self, pod: Pod, sign: int = 1) -> None:
        for name, size in pod.amounts.items():
            self.free[name] -= sign * size

    @property
    def state(self) -> tuple[object, ...]:
        """Equal for nodes that have room for the same pods."""
        return self.taints, *self.free.items()


def pods_of(files: ModelFiles) -> Iterator[Pod]:
    """The fewest replicas of each release that a model runs, where nodes are declared."""
    for environment, serving in files.served:
        if not environment.limits.nodes:
            continue
        for key in serving.deployed:
            release = files.releases.get(key)
            if release is not None:
                pod = Pod(files.folder, key, environment.name, _asked(release), _tolerated(release))
                yield from [pod] * serving.scale.min


def add_asked(total: dict[tuple[str, str], dict[str, Fraction]], files: ModelFiles) -> None:
    """Add the fewest pods of a model, and what they ask for, to those of a team with a quota."""
    team = files.repository.teams.get(files.model.owner) if files.model else None
    if team is None or team.quota is None:
        return
    for environment, serving in files.served:
        if not team.serves_in(environment):
            continue
        sizes = total.setdefault((team.name, environment.name), {})
        for key in serving.deployed:
            release = files.releases.get(key)
            if release is not None:
                for name, size in ((PODS, Fraction(1)), *_asked(release).items()):
                    sizes[name] = sizes.get(name, Fraction(0)) + size * serving.scale.min


def _asked(release: Release) -> dict[str, Fraction]:
    resources = release.resources
    asked = {"cpu": amount(resources.cpu), "memory": amount(resources.memory)}
    if resources.gpu is not None:
        asked[resources.gpu.resource] = Fraction(resources.gpu.count)
    return asked


def _tolerated(release: Release) -> frozenset[str]:
    """What the renderer lets a pod tolerate: the taint of nodes with GPUs of its vendor."""
    gpu = release.resources.gpu
    return frozenset({f"{gpu.resource.partition('/')[0]}/gpu"} if gpu else ())


def without_room(nodes: Sequence[Nodes], pods: Sequence[Pod]) -> list[Pod]:
    """The pods that find no node; none where any way to place all of them is found."""
    left = min((_placed(_free(nodes), order) for order in _orders(nodes, pods)), key=len)
    return [] if left and _is_search_won(nodes, pods) else left


def surging_without_room(nodes: Sequence[Nodes], pods: Sequence[Pod]) -> list[Pod]:
    """One pod of each release whose rollout finds no room for the new pod beside all others.

    A release with GPUs ends a pod before it starts the next, and needs none.
    """
    free = _free(nodes)
    is_placed = not _placed(free, _orders(nodes, pods)[0])
    kinds = dict.fromkeys(pod for pod in pods if not pod.has_gpu)
    tight = [pod for pod in kinds if not is_placed or not any(n.has_room(pod) for n in free)]
    by_size = {_size(pod): pod for pod in tight}
    refused = {size for size, pod in by_size.items() if without_room(nodes, [*pods, pod])}
    return [pod for pod in tight if _size(pod) in refused]


def _size(pod: Pod) -> tuple[Fraction, ...]:
    return tuple(pod.amounts.values())


def asked_and_there(
    nodes: Sequence[Nodes], pods: Sequence[Pod], pod: Pod, name: str
) -> tuple[Fraction, Fraction]:
    """How much of a resource is asked for, and there, on the nodes that a pod may run on."""
    own = [each for each in nodes if each.taints <= pod.tolerated]
    beside = (
        other
        for other in pods
        if other.amounts.keys() == pod.amounts.keys()
        or any(
            e.taints <= other.tolerated and other.amounts.keys() <= e.amounts.keys() for e in own
        )
    )
    asked = sum((other.amounts.get(name, Fraction(0)) for other in beside), Fraction(0))
    return asked, sum((e.amounts.get(name, Fraction(0)) * e.count for e in own), Fraction(0))


def _orders(nodes: Sequence[Nodes], pods: Sequence[Pod]) -> tuple[list[Pod], list[Pod]]:
    """The largest first: by what is scarce, and by memory."""
    whole: dict[str, Fraction] = {}
    for each in nodes:
        for name, size in each.amounts.items():
            whole[name] = whole.get(name, Fraction(0)) + size * each.count
    by_scarcest = sorted(pods, key=lambda pod: _sizes(pod, whole), reverse=True)
    return by_scarcest, sorted(pods, key=lambda pod: pod.amounts["memory"], reverse=True)


def _sizes(pod: Pod, whole: Amounts) -> tuple[bool, Fraction]:
    """Pods with a GPU first, then those that take the largest part of anything."""
    parts = [size / whole[name] for name, size in pod.amounts.items() if whole.get(name)]
    return pod.has_gpu, max(parts, default=Fraction(0))


def _free(nodes: Sequence[Nodes]) -> list[_Node]:
    """Every node, those without GPU first."""
    plain_first = sorted(nodes, key=lambda each: len(each.amounts))
    return [
        _Node(dict(each.amounts), each.taints) for each in plain_first for _ in range(each.count)
    ]


def _placed(free: Sequence[_Node], pods: Sequence[Pod]) -> list[Pod]:
    """What is left over when each pod goes to the first node with room."""
    left = []
    for pod in pods:
        node = next((node for node in free if node.has_room(pod)), None)
        if node is None:
            left.append(pod)
        else:
            node.take(pod)
    return left


def _is_search_won(nodes: Sequence[Nodes], pods: Sequence[Pod]) -> bool:
    """Whether a search finds a way to place every pod, before it has tried too often."""
    free = _free(nodes)
    is_hopeless = any(not any(node.has_room(pod) for node in free) for pod in {*pods})
    return not is_hopeless and _Search(free, _orders(nodes, pods)[0]).is_won()


@dataclass(slots=True)
class _Search:
    """Tries nodes for each pod in turn, and goes back where the next one finds none."""

    free: Sequence[_Node]
    pods: Sequence[Pod]
    looks: int = 0

    def is_won(self) -> bool:
        choices = [self._choices(0)]
        taken: list[_Node] = []
        while choices and self.looks < _MOST_LOOKS:
            node = next(choices[-1], None)
            if node is None:
                choices.pop()
                if taken:
                    taken.pop().take(self.pods[len(taken)], sign=-1)
                continue
            node.take(self.pods[len(taken)])
            taken.append(node)
            if len(taken) == len(self.pods):
                return True
            choices.append(self._choices(len(taken)))
        return False

    def _choices(self, number: int) -> Iterator[_Node]:
        """Nodes for a pod, one of those that are alike."""
        pod = self.pods[number]
        self.looks += len(self.free)
        alike = {node.state: node for node in self.free if node.has_room(pod)}
        return iter(alike.values())
