"""The quota of a team has room for the fewest pods of its models.

## What it does
Adds up, for each environment that Argo CD syncs and each team with a `quota`, the fewest replicas
of every release of the team's models: pods, cpu, memory, and the GPUs that the quota names.

## Why
What is over the quota is not created: the canary never gets its pods, or the stable release does
not get back what it lost, and the autoscaler can do nothing about it.

## Bad
```yaml
# two releases with scale.min: 3 each
quota: {cpu: "64", memory: 256Gi, pods: 4}
```

## Good
```yaml
quota: {cpu: "64", memory: 256Gi, pods: 40}
```
"""

from collections.abc import Iterator
from fractions import Fraction

from modelctl.check.packing import PODS, Fleet
from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.kinds import Quota
from modelctl.repo.quantities import amount

ID = "quota-fits"
LEVEL = Level.ERROR
SCOPE = Scope.PLACING

_GIB = 1 << 30


def check(fleet: Fleet) -> Iterator[Violation]:
    """One finding for each part of a quota that is too small, of the first such environment."""
    for index, team in enumerate(fleet.repository.teams.ordered):
        told: set[str] = set()
        for environment in fleet.repository.environments.ordered:
            asked = fleet.asked.get((team.name, environment.name))
            if team.quota is None or asked is None or not team.serves_in(environment):
                continue
            for part, size in _sizes(team.quota).items():
                if asked.get(part, 0) > size and part not in told:
                    told.add(part)
                    message = (
                        f"found {_shown(part, size)} for {part}, expected at least "
                        f"{_shown(part, asked[part])}, which the models in {environment.name} take"
                    )
                    at = fleet.repository.documents[layout.TEAMS].at(*_place(index, part))
                    remedy = "raise it, lower scale.min, or retire what nobody goes back to"
                    yield Violation(layout.TEAMS, at, message, remedy)


def _sizes(quota: Quota) -> dict[str, Fraction]:
    gpus = {name: Fraction(count) for name, count in quota.gpus.items()}
    whole = {"cpu": amount(quota.cpu), "memory": amount(quota.memory), PODS: Fraction(quota.pods)}
    return whole | gpus


def _place(index: int, part: str) -> tuple[str | int, ...]:
    at = (part,) if part in ("cpu", "memory", PODS) else ("gpus", part)
    return ("teams", index, "quota", *at)


def _shown(part: str, size: Fraction) -> str:
    """An amount in few characters: GiB for memory."""
    return f"{float(size) / _GIB:.1f}Gi" if part == "memory" else f"{float(size):g}"
