"""What is paused is not changed beside it.

## What it does
Warns where the traffic of a model changes in an environment whose serving file says `paused: true`.

## Why
`paused` stops syncing: the weights in git say one thing, the gateway does another, and the change
is applied by surprise on the day somebody removes the pause.

## Bad
```yaml
# before: weights: {r1: 95, r2: 5}
weights: {r1: 50, r2: 50}
paused: true
```

## Good
```yaml
# before: weights: {r1: 95, r2: 5}
weights: {r1: 50, r2: 50}
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.check.placed import in_serving
from modelctl.finding import Level, Scope, Violation

ID = "paused-not-edited"
LEVEL = Level.WARNING
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One warning for each environment that is edited and paused."""
    for name, serving in change.after.servings.items():
        before = change.before.servings.get(name)
        if before is None or not serving.paused:
            continue
        if (before.stable, before.weights, before.shadow) != (
            serving.stable,
            serving.weights,
            serving.shadow,
        ):
            message = "found other traffic with paused: true, which is not applied"
            remedy = "remove paused in the change that moves traffic, or leave traffic as it is"
            yield in_serving(change.after, name, "paused", message=message, remedy=remedy)
