"""Replicas do not become fewer in the change that needs them.

## What it does
Refuses a lower `scale.min` or `scale.max` in a change that gives some release of the environment
more traffic, and a `scale.max` below the `scale.min` of before, which ends replicas that serve.

## Why
The autoscaler starts from `scale.min` and needs a quarter of a minute, then new pods need their
time to load. Fewer warm replicas and more requests at the same moment are answered with errors
until it has caught up.

## Bad
```yaml
# before: weights: {r1: 95, r2: 5}, scale: {min: 4, max: 8, metric: cpu, target: 70}
weights: {r1: 50, r2: 50}
scale: {min: 2, max: 8, metric: cpu, target: 70}
```

## Good
```yaml
# before: weights: {r1: 95, r2: 5}, scale: {min: 4, max: 8, metric: cpu, target: 70}
weights: {r1: 50, r2: 50}
scale: {min: 4, max: 8, metric: cpu, target: 70}
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.check.placed import in_serving
from modelctl.finding import Level, Scope, Violation

ID = "scale-kept-with-weight"
LEVEL = Level.ERROR
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One finding for each environment that loses replicas under traffic."""
    for name, serving in change.after.servings.items():
        was, before = change.applied_before.get(name), change.before.servings.get(name)
        if was is None or before is None or not any(was.weights.values()):
            continue
        more = [r for r, w in serving.weights.items() if w > was.weights.get(r, 0)]
        old, new = before.scale, serving.scale
        if new.max < old.min and new.min <= new.max:
            message = f"found max {new.max}, expected at least {old.min}, which serve now"
            remedy = f"write max: {old.min} or more, and lower min in a change before"
            yield in_serving(change.after, name, "scale", "max", message=message, remedy=remedy)
        elif new.max < old.max and more and new.min <= new.max:
            message = (
                f"found max {new.max} with more traffic for {', '.join(more)}, "
                f"expected {old.max} as before"
            )
            remedy = f"write max: {old.max}, and lower it in a change of its own"
            yield in_serving(change.after, name, "scale", "max", message=message, remedy=remedy)
        elif new.min < old.min and more:
            message = (
                f"found min {new.min} with more traffic for {', '.join(more)}, "
                f"expected {old.min} as before"
            )
            remedy = f"write min: {old.min}, and lower it in a change of its own"
            yield in_serving(change.after, name, "scale", "min", message=message, remedy=remedy)
