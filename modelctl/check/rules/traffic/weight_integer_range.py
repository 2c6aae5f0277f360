"""A weight is a whole percent from 0 to 100.

## What it does
Refuses weights that are decimals, text, booleans, negative or above 100. `95.0` is a decimal.

## Why
The Gateway API takes whole numbers only: a decimal makes the sync fail after the merge, and a
number in quotes is text.

## Bad
```yaml
weights: {r1: 99.5, r2: "0.5"}
```

## Good
```yaml
weights: {r1: 99, r2: 1}
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import ModelFiles

ID = "weight-integer-range"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """The faults of form that loading found under this rule."""
    return files.faults_of(ID)
