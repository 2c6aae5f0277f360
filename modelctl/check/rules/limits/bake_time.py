"""A step is looked at for as long as its environment demands, before the next one.

## What it does
Refuses a weight that rises sooner than `limits.step_minutes` of the environment after the main line
last moved the model's traffic there. Lower weights, the stable release, and a weight that the
release had there before are free.

## Why
Errors of a new release show after minutes, memory that leaks after hours. Two steps in a row leave
no time for either.

## Bad
```yaml
# limits: {step_minutes: 60} in argocd/environments.yaml; r2 got its 5 % ten minutes ago
weights: {r1: 70, r2: 30}
```

## Good
```yaml
# limits: {step_minutes: 60} in argocd/environments.yaml; r2 got its 5 % an hour ago
weights: {r1: 70, r2: 30}
```
"""

from collections.abc import Iterator
from datetime import timedelta

from modelctl.check.change import ModelChange
from modelctl.check.placed import in_serving
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.kinds import Serving

ID = "bake-time"
LEVEL = Level.ERROR
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One finding for each environment whose step comes too soon."""
    for environment, serving in change.after.served:
        least_minutes = environment.limits.step_minutes
        raised = _raised(change, serving) if least_minutes else ""
        last = change.of.last_moved((change.folder, environment.name)) if raised else None
        if least_minutes is None or last is None:
            continue
        passed = change.of.now - last
        if passed < timedelta(minutes=least_minutes):
            minutes = int(passed.total_seconds() // 60)
            message = f"found a step {minutes} minutes after the one before, "
            message += f"expected at least {least_minutes} in {environment.name}"
            remedy = f"look at what {raised} does, and merge it later"
            at = ("weights", raised)
            yield in_serving(change.after, environment.name, *at, message=message, remedy=remedy)


def _raised(change: ModelChange, serving: Serving) -> str:
    """The first release that gets more than it ever had; empty for none."""
    name = serving.environment
    was, before = change.applied_before.get(name), change.before.servings.get(name)
    if was is None or not any(was.weights.values()):
        return ""
    for release, weight in serving.weights.items():
        is_stable = before is not None and before.stable == release
        if is_stable or weight <= was.weights.get(release, 0):
            continue
        if change.most_traffic(name, release) < weight:
            return release
    return ""
