"""What a change does once it is applied: traffic, releases, restarts, and what pods ask for."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from modelctl.check.change import Change, ModelChange
from modelctl.render import applied, generated
from modelctl.repo.kinds import Serving
from modelctl.repo.layout import place
from modelctl.repo.quantities import MIB, amount
from modelctl.repo.repository import ModelFiles, Repository


@dataclass(frozen=True, slots=True)
class Footprint:
    """What the fewest replicas of all deployed releases ask for."""

    pods: int = 0
    cpu: Fraction = Fraction(0)
    memory_mib: int = 0
    gpus: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Side:
    """A model in an environment before or after: who serves, and what that takes."""

    stable: str = ""
    weights: Mapping[str, int] = field(default_factory=dict)
    shadow: str = ""
    footprint: Footprint = field(default_factory=Footprint)

    @property
    def deployed(self) -> tuple[str, ...]:
        """The releases that run: those with a weight, then the shadow."""
        return tuple(dict.fromkeys((*self.weights, *filter(None, (self.shadow,)))))


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change does to a model in an environment."""

    model: str
    environment: str
    before: Side
    after: Side
    restarting: tuple[str, ...]  # releases that run before and after, with other pods

    @property
    def entering(self) -> tuple[str, ...]:
        """The releases that start."""
        return tuple(r for r in self.after.deployed if r not in self.before.deployed)

    @property
    def leaving(self) -> tuple[str, ...]:
        """The releases that end."""
        return tuple(r for r in self.before.deployed if r not in self.after.deployed)

    @property
    def is_cold_back(self) -> bool:
        """Whether the way back leads to a release that does not run any more."""
        return any(self.before.weights.get(release, 0) for release in self.leaving)


def effects(change: Change, repository: Repository) -> Iterator[Effect]:
    """What a change does, by model and in promotion order; nothing where it does nothing."""
    for folder in sorted(change.folders):
        files = repository.model(folder)
        yield from _of_model(ModelChange(change, change.before.model(folder), files, _nothing))


def _nothing(files: ModelFiles) -> Collection[str]:
    del files
    return ()


def _of_model(change: ModelChange) -> Iterator[Effect]:
    new = {path: text.encode() for path, text in generated(change.after).items()}
    names = [e.name for e in change.after.environments.ordered]
    names += [name for name in change.before.servings if name not in names]
    for name in names:
        before, after = (_side(files, name) for files in (change.before, change.after))
        restarting = tuple(_restarting(change.before.generated, new, name))
        if before != after or restarting:
            yield Effect(change.folder, name, before, after, restarting)


def _side(files: ModelFiles, environment: str) -> Side:
    serving = files.servings.get(environment)
    if serving is None:
        return Side()
    shadow = f"{serving.shadow.release}" if serving.shadow else ""
    return Side(serving.stable, dict(serving.weights), shadow, _footprint(files, serving))


def _footprint(files: ModelFiles, serving: Serving) -> Footprint:
    replicas = serving.scale.min
    known = [files.releases[r] for r in serving.deployed if r in files.releases]
    gpus: dict[str, int] = {}
    for release in known:
        gpu = release.resources.gpu
        if gpu is not None:
            gpus[gpu.resource] = gpus.get(gpu.resource, 0) + gpu.count * replicas
    return Footprint(
        pods=replicas * len(serving.deployed),
        cpu=sum((amount(r.resources.cpu) for r in known), Fraction(0)) * replicas,
        memory_mib=int(sum(amount(r.resources.memory) for r in known) / MIB) * replicas,
        gpus=gpus,
    )


def _restarting(
    before: Mapping[str, bytes], after: Mapping[str, bytes], environment: str
) -> Iterator[str]:
    for path, content in before.items():
        where = place(path)
        if where.environment != environment or not applied.is_deployment(path):
            continue
        new = after.get(path)
        if new is not None and new != content and applied.pods(new) != applied.pods(content):
            yield where.release
