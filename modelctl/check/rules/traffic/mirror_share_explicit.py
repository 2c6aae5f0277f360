"""A shadow says which share of requests is copied to it.

## What it does
Refuses a `shadow` without `percent`, or with one that is no whole number from 1 to 100.

## Why
A gateway that is not told a share copies every request: twice the load, on replicas that nobody
sized for it.

## Bad
```yaml
shadow: {release: r3}
```

## Good
```yaml
shadow: {release: r3, percent: 10}
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import ModelFiles

ID = "mirror-share-explicit"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """The faults of form that loading found under this rule."""
    return files.faults_of(ID)
