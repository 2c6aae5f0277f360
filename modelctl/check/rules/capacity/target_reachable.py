"""The autoscaler's target can be reached.

## What it does
Refuses a `scale.target` above 100 with `metric: cpu` where `max` is above `min`.

## Why
A pod's cpu is request and limit at once: it never uses more than 100 % of it. With a target above
that, the autoscaler sees spare room in pods that are full, and never adds one.

## Bad
```yaml
scale: {min: 2, max: 8, metric: cpu, target: 150}
```

## Good
```yaml
scale: {min: 2, max: 8, metric: cpu, target: 70}
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_serving
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import ModelFiles

ID = "target-reachable"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL

_WHOLE = 100  # percent of the request, which is the limit as well


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each target that no pod ever reaches."""
    for name, serving in files.servings.items():
        scale = serving.scale
        if scale.metric == "cpu" and scale.target > _WHOLE and scale.min < scale.max:
            message = f"found target {scale.target}, expected at most {_WHOLE} percent of the cpu"
            remedy = "write target: 70, which leaves room while pods start"
            yield in_serving(files, name, "scale", "target", message=message, remedy=remedy)
