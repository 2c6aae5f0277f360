"""The fewest replicas are not more than the most.

## What it does
Compares `scale.min` with `scale.max`.

## Why
An autoscaler with `min` above `max` is refused by the cluster after the merge, and the release runs
with whatever replicas it had.

## Bad
```yaml
scale: {min: 4, max: 2, metric: cpu, target: 70}
```

## Good
```yaml
scale: {min: 2, max: 4, metric: cpu, target: 70}
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles

ID = "scale-bounds-ordered"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each file with more replicas at least than at most."""
    for environment, serving in files.servings.items():
        scale = serving.scale
        if scale.min > scale.max:
            path = layout.serving_file(files.folder, environment)
            position = files.documents[path].at("scale", "min")
            message = f"found min {scale.min}, expected at most max, which is {scale.max}"
            yield Violation(path, position, message, "lower min or raise max")
