"""Whether the pods of an environment have room on its nodes, by placing one after the other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from modelctl.repo.kinds import Release
from modelctl.repo.limits import Nodes
from modelctl.repo.quantities import amount
from modelctl.repo.repository import ModelFiles, Repository

Amounts = Mapping[str, Fraction]  # by resource
PODS = "pods"  # counted like a resource


@dataclass(frozen=True, slots=True)
class Pod:
    """One replica of a release and what it asks for."""

    folder: str
    release: str
    environment: str
    amounts: Amounts = field(hash=False)


@dataclass(frozen=True, slots=True)
class Fleet:
    """All pods of the environments that say which nodes they have."""

    repository: Repository
    pods: Sequence[Pod]
    asked: Mapping[tuple[str, str], Amounts] = field(default_factory=dict)  # by team, environment


def pods_of(files: ModelFiles) -> Iterator[Pod]:
    """The fewest replicas of each release that a model runs, where nodes are declared."""
    for environment, serving in files.served:
        if not environment.limits.nodes:
            continue
        for key in serving.deployed:
            release = files.releases.get(key)
            if release is not None:
                pod = Pod(files.folder, key, environment.name, _asked(release))
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


def without_room(nodes: Sequence[Nodes], pods: Sequence[Pod]) -> list[Pod]:
    """The pods that find no node, by the better of two orders; the largest are placed first."""
    whole = _whole(nodes)
    by_scarcest = sorted(pods, key=lambda pod: _sizes(pod, whole), reverse=True)
    by_memory = sorted(pods, key=lambda pod: pod.amounts["memory"], reverse=True)
    left = [_placed(nodes, order) for order in (by_scarcest, by_memory)]
    return min(left, key=len)


def _whole(nodes: Sequence[Nodes]) -> dict[str, Fraction]:
    total: dict[str, Fraction] = {}
    for each in nodes:
        for name, size in each.amounts.items():
            total[name] = total.get(name, Fraction(0)) + size * each.count
    return total


def _sizes(pod: Pod, whole: Amounts) -> tuple[bool, Fraction]:
    """Pods with a GPU first, then those that take the largest part of anything."""
    parts = [size / whole[name] for name, size in pod.amounts.items() if whole.get(name)]
    return len(pod.amounts) > 2, max(parts, default=Fraction(0))  # noqa: PLR2004 - cpu and memory


def _placed(nodes: Sequence[Nodes], pods: Sequence[Pod]) -> list[Pod]:
    """What is left over when each pod goes to the first node with room, those without GPU first."""
    plain_first = sorted(nodes, key=lambda each: len(each.amounts))
    free = [dict(each.amounts) for each in plain_first for _ in range(each.count)]
    left = []
    for pod in pods:
        node = next((node for node in free if _has_room(node, pod.amounts)), None)
        if node is None:
            left.append(pod)
            continue
        for name, size in pod.amounts.items():
            node[name] -= size
    return left


def _has_room(node: Amounts, asked: Amounts) -> bool:
    return all(node.get(name, Fraction(0)) >= size for name, size in asked.items())
