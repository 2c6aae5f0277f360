"""Two releases share the traffic, not more.

## What it does
Warns where more than two releases have a weight above 0. Any number may stand by at 0.

## Why
Every further share makes each comparison weaker: with three releases, none can be judged in the
time that two need, and each costs its own replicas and GPUs.

## Bad
```yaml
weights: {r1: 80, r2: 10, r3: 10}
```

## Good
```yaml
weights: {r1: 90, r2: 10, r3: 0}
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_serving
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import ModelFiles

ID = "max-live-releases"
LEVEL = Level.WARNING
SCOPE = Scope.MODEL

_MOST = 2  # the stable release and one that is compared with it


def check(files: ModelFiles) -> Iterator[Violation]:
    """One warning for each environment with more than a stable release and a candidate."""
    for name, serving in files.servings.items():
        sharing = [release for release, weight in serving.weights.items() if weight]
        if len(sharing) > _MOST:
            message = f"found traffic for {', '.join(sharing)}, expected at most {_MOST} releases"
            remedy = "write 0 for the ones that wait, and compare one after the other"
            at = ("weights", sharing[_MOST])
            yield in_serving(files, name, *at, message=message, remedy=remedy)
