"""A release becomes the stable one only after it has had traffic.

## What it does
Refuses another `stable` that has less traffic after the change than another release, and one that
had none in the environment before the change, by the route that
was rendered. One that had traffic there earlier is on its way back and exempt; so is a model that
was not served there at all.

## Why
`stable` is what callers get who ask for no other, what alerts compare with, and where a rollback in
the middle of a shift leads. A release that nobody has been served by is no reference, and a jump to
it has no canary.

## Bad
```yaml
# before: stable: r1, weights: {r1: 100, r2: 0}
stable: r2
weights: {r1: 0, r2: 100}
```

## Good
```yaml
# before: stable: r1, weights: {r1: 50, r2: 50}
stable: r2
weights: {r1: 0, r2: 100}
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.check.placed import in_serving
from modelctl.finding import Level, Scope, Violation

ID = "stable-follows-traffic"
LEVEL = Level.ERROR
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One finding for each environment whose stable release is one that nobody has seen."""
    for name, serving in change.after.servings.items():
        was, before = change.applied_before.get(name), change.before.servings.get(name)
        if was is None or before is None or before.stable == serving.stable:
            continue
        chosen, most = serving.stable, max(serving.weights.values(), default=0)
        weight = serving.weights.get(chosen)
        if weight is not None and weight < most and any(was.weights.values()):
            message = f"found the stable release {chosen} at {weight} %, expected one of {most} %"
            remedy = f"write stable: {before.stable} until {chosen} has the most traffic"
            yield in_serving(change.after, name, "stable", message=message, remedy=remedy)
            continue
        if not any(was.weights.values()) or was.weights.get(chosen, 0):
            continue
        if chosen not in serving.weights or change.most_traffic(name, chosen):
            continue
        if chosen not in was.releases and serving.weights[chosen]:
            continue  # enter-at-zero tells it
        message = (
            f"found the stable release {chosen}, expected {before.stable} "
            f"until {chosen} has had traffic in {name}"
        )
        remedy = f"write stable: {before.stable}, shift traffic to {chosen}, then promote it"
        yield in_serving(change.after, name, "stable", message=message, remedy=remedy)
