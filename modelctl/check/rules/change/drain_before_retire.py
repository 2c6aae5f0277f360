"""A release leaves an environment only once it has no traffic.

## What it does
Refuses that a release stops running (neither under `weights` nor the shadow) in a change that finds
it with a weight above 0, by the route that was rendered before. Where the whole serving file goes,
no weight can be 0 first: that is told by `removal-impact`, and not refused.

## Why
Argo CD removes what is gone before it changes what stays: the pods end while the route still sends
them their share, and what is at work on them is cut off.

## Bad
```yaml
# before: weights: {r1: 50, r2: 50}
weights: {r2: 100}
```

## Good
```yaml
# before: weights: {r1: 50, r2: 50}; after: weights: {r2: 100}, in a change of its own
weights: {r1: 0, r2: 100}
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout

ID = "drain-before-retire"
LEVEL = Level.ERROR
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One finding for each environment that releases leave under traffic."""
    for environment, serving in change.after.servings.items():
        was = change.applied_before.get(environment)
        before = was.weights if was else {}
        gone = {r: w for r, w in before.items() if w > 0 and r not in serving.deployed}
        if gone:
            path = layout.serving_file(change.folder, environment)
            position = change.after.documents[path].at_key("weights")
            shares = " and ".join(f"{weight} %" for weight in gone.values())
            message = f"found no {', '.join(gone)} any more, which had {shares} of the traffic"
            zeros = ", ".join(f"{release}: 0" for release in gone)
            remedy = f"write {zeros} now, and retire in a later change"
            yield Violation(path, position, message, remedy)
