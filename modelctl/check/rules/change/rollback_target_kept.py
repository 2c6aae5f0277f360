"""The release that was stable stays deployed while the new one proves itself.

## What it does
Warns where one change makes another release stable and takes the one that was stable out of the
environment.

## Why
The way back leads to the release before. While it runs at weight 0, that is one commit and takes a
second; once it is gone, its pods have to start first, in the middle of an incident.

## Bad
```yaml
# before: stable: r1, weights: {r1: 0, r2: 100}
stable: r2
weights: {r2: 100}
```

## Good
```yaml
# before: stable: r1, weights: {r1: 0, r2: 100}; retire r1 some days later
stable: r2
weights: {r1: 0, r2: 100}
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.check.placed import in_serving
from modelctl.finding import Level, Scope, Violation

ID = "rollback-target-kept"
LEVEL = Level.WARNING
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One warning for each environment that a change leaves without a warm way back."""
    for name, serving in change.after.servings.items():
        was, before = change.applied_before.get(name), change.before.servings.get(name)
        if was is None or before is None or before.stable in (serving.stable, *serving.deployed):
            continue
        if before.stable in was.releases and not was.weights.get(before.stable, 0):
            old = before.stable
            message = f"found no {old} any more, expected the way back from {serving.stable} warm"
            remedy = f"keep {old}: 0, and retire it in a later change"
            yield in_serving(change.after, name, "stable", message=message, remedy=remedy)
