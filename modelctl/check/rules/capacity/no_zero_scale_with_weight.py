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

from modelctl.finding import Finding, Level
from modelctl.repo import layout
from modelctl.repo.repository import Repository

ID = "no-zero-scale-with-weight"
LEVEL = Level.ERROR


def check(repository: Repository) -> Iterator[Finding]:
    """One finding for each file that serves from no replica."""
    for (folder, environment), serving in repository.servings.items():
        weighted = [release for release, weight in serving.weights.items() if weight]
        if weighted and serving.scale.min == 0:
            path = layout.serving_file(folder, environment)
            place = repository.documents[path].at("scale", "min")
            message = f"found min 0 with traffic for {', '.join(weighted)}, expected at least 1"
            yield Finding(path, place, ID, message, "write min: 1", LEVEL)
