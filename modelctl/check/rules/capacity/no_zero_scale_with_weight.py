"""A release that gets traffic never scales to nothing.

## What it does
Refuses `scale.min: 0` where a release has a weight above 0.

## Why
With no replica the first request after a pause gets an error, and the autoscaler that watches cpu
sees none to scale on.

## Bad
```yaml
weights: {r1: 100}
scale: {min: 0, max: 4, metric: cpu, target: 70}
```

## Good
```yaml
weights: {r1: 100}
scale: {min: 1, max: 4, metric: cpu, target: 70}
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles

ID = "no-zero-scale-with-weight"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each file that serves from no replica."""
    for environment, serving in files.servings.items():
        weighted = [release for release, weight in serving.weights.items() if weight]
        if weighted and serving.scale.min == 0:
            path = layout.serving_file(files.folder, environment)
            position = files.documents[path].at("scale", "min")
            message = f"found min 0 with traffic for {', '.join(weighted)}, expected at least 1"
            yield Violation(path, position, message, "write min: 1")
