"""A waiver is over on its day, and goes when nothing needs it any more.

## What it does
Warns of a waiver whose day has passed, which waives nothing from then on, and of one whose rule has
no finding in its file. The engine that runs the rules asks this, since only it knows all findings.

## Why
A left-over waiver waits for the next fault of its kind, and hides it.

## Bad
```yaml
# modelctl: waive capacity-for-weight until 2024-12-31: scaled by hand for the sale
weights: {r1: 0, r2: 100}
```

## Good
```yaml
weights: {r1: 0, r2: 100}
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import Files

ID = "waiver-needed"
LEVEL = Level.WARNING
SCOPE = Scope.FILES


def check(files: Files) -> Iterator[Violation]:
    """Nothing: what other rules find decides it."""
    del files
    return iter(())
