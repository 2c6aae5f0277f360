"""A share of traffic that rises a lot finds the replicas that were there for the small one.

## What it does
Warns where a weight rises by more than 50 points in one change and more than what `scale.min`
replicas carry if `scale.max` carry everything. A release that was stable, or had that weight in the
environment before, is left alone: it is a way back. One that does not run at all and comes back
with traffic is told as well.

## Why
Every release runs at `scale.min` while its share is small. With one commit it may get twenty times
the requests; the autoscaler sees them a quarter of a minute later, and new pods take their time to
load. Until then requests wait, and then fail.

## Bad
```yaml
# before: weights: {r1: 95, r2: 5}, with scale: {min: 2, max: 8, metric: cpu, target: 70}
weights: {r1: 0, r2: 100}
```

## Good
```yaml
# before: weights: {r1: 95, r2: 5}; then {r1: 0, r2: 100} once the replicas followed
weights: {r1: 50, r2: 50}
```
"""

from collections.abc import Iterator
from math import ceil

from modelctl.check.change import ModelChange
from modelctl.finding import Level, Scope, Violation
from modelctl.render.applied import Applied
from modelctl.repo import layout
from modelctl.repo.kinds import Serving

ID = "capacity-for-weight"
LEVEL = Level.WARNING
SCOPE = Scope.CHANGE

_STEP_POINTS = 50
_WHOLE = 100


def check(change: ModelChange) -> Iterator[Violation]:
    """One warning for each release that gets more than its replicas have seen."""
    for environment, serving in change.after.servings.items():
        was = change.applied_before.get(environment)
        if was is None or not was.releases:
            continue
        for release, weight in serving.weights.items():
            if release not in was.releases:
                yield from _cold(change, serving, release)
            elif weight > was.weights.get(release, 0) + _STEP_POINTS:
                yield from _risen(change, serving, release, was)


def _cold(change: ModelChange, serving: Serving, release: str) -> Iterator[Violation]:
    """A way back to what does not run; anything else is refused by enter-at-zero."""
    weight = serving.weights[release]
    if weight and change.most_traffic(serving.environment, release):
        message = f"found {release} at {weight} %, which is answered with 503 until a server starts"
        remedy = f"write {release}: 0 in a change before, if it can wait until it is ready"
        yield _violation(change, serving, release, message, remedy)


def _risen(
    change: ModelChange, serving: Serving, release: str, was: Applied
) -> Iterator[Violation]:
    before = change.before.servings.get(serving.environment, serving)
    weight, most = serving.weights[release], serving.scale.max
    if before.stable == release or before.scale.min * _WHOLE >= weight * most:
        return
    if change.most_traffic(serving.environment, release) >= weight:
        return
    replicas = f"{before.scale.min} replica{'s' * (before.scale.min != 1)}"
    level = change.after.model.service_level if change.after.model else None
    load = f", up to {level.peak_rps * weight / _WHOLE:g} requests a second" if level else ""
    message = (
        f"found {release} at {weight} % after {was.weights.get(release, 0)} %{load}, "
        f"which {replicas} must carry until the autoscaler adds some"
    )
    needed = min(most, ceil(weight * most / _WHOLE))
    remedy = (
        f"shift by at most {_STEP_POINTS} points a change, or raise scale.min to {needed} before"
    )
    yield _violation(change, serving, release, message, remedy)


def _violation(
    change: ModelChange, serving: Serving, release: str, message: str, remedy: str
) -> Violation:
    path = layout.serving_file(change.folder, serving.environment)
    position = change.after.documents[path].at("weights", release)
    return Violation(path, position, message, remedy)
