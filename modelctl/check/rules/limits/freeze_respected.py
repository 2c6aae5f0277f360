"""Nothing new is applied in an environment that is frozen.

## What it does
Refuses, between `from` and `until` of a freeze in `limits.freezes` of an environment, a change of
what is applied there. A way back is free: bytes that were applied before, and traffic that goes
from other releases to the stable one.

## Why
A freeze is a promise to people who are not there to watch. Argo CD's own sync windows hold back the
rollback as well; this rule does not.

## Bad
```yaml
# on 24 December, with a freeze from "2026-12-20T00:00Z" until "2027-01-07T00:00Z"
weights: {r1: 50, r2: 50}
```

## Good
```yaml
# the same day: back to the stable release
weights: {r1: 100, r2: 0}
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.check.placed import in_serving
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.kinds import Serving
from modelctl.repo.layout import place
from modelctl.repo.repository import ModelFiles

ID = "freeze-respected"
LEVEL = Level.ERROR
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One finding for each frozen environment that something new comes to."""
    for environment, serving in change.after.served:
        name = environment.name
        freeze = environment.limits.freeze_at(change.of.now)
        if freeze is None or _applied(change.before, name) == _applied(change.after, name):
            continue
        if _goes_back(change.before.servings.get(name), serving):
            continue
        message = f"found a change while {name} is frozen until {freeze.until}, "
        message += f"expected none: {freeze.reason}"
        remedy = "merge it after that; going back to the stable release is free at any time"
        yield in_serving(change.after, name, message=message, remedy=remedy)


def _applied(files: ModelFiles, environment: str) -> dict[str, bytes]:
    return {p: c for p, c in files.generated.items() if place(p).environment == environment}


def _goes_back(before: Serving | None, after: Serving) -> bool:
    """Whether traffic does nothing but go to the stable release."""
    if before is None or before.stable != after.stable:
        return False
    weights = before.weights.keys() | after.weights.keys()
    return (
        (before.shadow, before.scale, before.deployed)
        == (after.shadow, after.scale, after.deployed)
        and before.weights != after.weights
        and all(
            after.weights.get(release, 0) <= before.weights.get(release, 0)
            for release in weights
            if release != after.stable
        )
    )
