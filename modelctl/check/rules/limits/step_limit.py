"""A release gets more traffic in steps that its environment allows.

## What it does
Refuses a weight that rises by more than `limits.step_points` of the environment in one change.
Lower weights, the stable release, and a weight that the release had there before are free: they are
ways back.

## Why
A fault of a release costs what its share is. A jump from 5 to 100 finds out about the last 95
points only when all callers have them.

## Bad
```yaml
# limits: {step_points: 25} in argocd/environments.yaml; before: weights: {r1: 95, r2: 5}
weights: {r1: 50, r2: 50}
```

## Good
```yaml
# limits: {step_points: 25} in argocd/environments.yaml; before: weights: {r1: 95, r2: 5}
weights: {r1: 70, r2: 30}
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.check.placed import in_serving
from modelctl.finding import Level, Scope, Violation

ID = "step-limit"
LEVEL = Level.ERROR
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One finding for each weight that rises too far."""
    for environment, serving in change.after.served:
        most, name = environment.limits.step_points, environment.name
        was, before = change.applied_before.get(name), change.before.servings.get(name)
        if most is None or was is None or not any(was.weights.values()):
            continue
        for release, weight in serving.weights.items():
            had = was.weights.get(release, 0)
            is_stable = before is not None and before.stable == release
            if weight - had <= most or is_stable or release not in was.releases:
                continue
            if change.most_traffic(name, release) < weight:
                message = f"found {release} at {weight} % after {had} %, expected at most "
                message += f"{had + most} % in {name}"
                remedy = f"write {release}: {had + most}, and go on in a later change"
                at = ("weights", release)
                yield in_serving(change.after, name, *at, message=message, remedy=remedy)
