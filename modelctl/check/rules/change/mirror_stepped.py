"""A shadow gets more copies in steps that its replicas can follow.

## What it does
Warns where the share of requests that is copied rises by more than 50 points in one change.

## Why
A shadow runs at `scale.min` while it gets little. With one commit it gets the copies of every other
request: until the autoscaler has followed it answers 503, takes the cpu of its node's neighbours,
and what is compared with it is the easy part of the traffic.

## Bad
```yaml
# before: shadow: {release: r3, percent: 10}
shadow: {release: r3, percent: 100}
```

## Good
```yaml
# before: shadow: {release: r3, percent: 10}
shadow: {release: r3, percent: 50}
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.check.placed import in_serving
from modelctl.finding import Level, Scope, Violation

ID = "mirror-stepped"
LEVEL = Level.WARNING
SCOPE = Scope.CHANGE

_STEP_POINTS = 50


def check(change: ModelChange) -> Iterator[Violation]:
    """One warning for each shadow that gets much more at once."""
    for name, serving in change.after.servings.items():
        before = change.before.servings.get(name)
        if serving.shadow is None or before is None:
            continue
        is_same = before.shadow is not None and before.shadow.release == serving.shadow.release
        had = before.shadow.percent if before.shadow is not None and is_same else 0
        if serving.shadow.percent > had + _STEP_POINTS:
            message = f"found {serving.shadow.percent} % after {had} %, expected at most "
            message += f"{had + _STEP_POINTS} % in one change"
            remedy = f"write percent: {had + _STEP_POINTS}, and go on in a later change"
            at = ("shadow", "percent")
            yield in_serving(change.after, name, *at, message=message, remedy=remedy)
