"""A freeze that is over goes out of the file.

## What it does
Warns, where there is a change to look at, of a freeze in `limits` of an environment that ended more
than a month ago.

## Why
Whoever plans the next one reads a list of the past, and copies a line with last year's date.

## Bad
```yaml
# in March 2027
freezes: [{from: "2026-12-24T06:00Z", until: "2026-12-31T18:00Z", reason: End of the year.}]
```

## Good
```yaml
freezes: [{from: "2027-12-24T06:00Z", until: "2027-12-31T18:00Z", reason: End of the year.}]
```
"""

from collections.abc import Iterator
from datetime import timedelta

from modelctl.check.change import FleetChange
from modelctl.check.placed import in_environments
from modelctl.finding import Level, Scope, Violation

ID = "freeze-over"
LEVEL = Level.WARNING
SCOPE = Scope.FLEET

_KEPT = timedelta(days=30)  # for whoever looks back at what the freeze was for


def check(change: FleetChange) -> Iterator[Violation]:
    """One finding for each freeze that is long over."""
    day = (change.of.now - _KEPT).strftime("%Y-%m-%dT%H:%MZ")
    for index, environment in enumerate(change.after.environments.ordered):
        for number, freeze in enumerate(environment.limits.freezes):
            if freeze.start < freeze.until < day:
                at = ("environments", index, "limits", "freezes", number, "until")
                message = f"found a freeze that ended at {freeze.until}, expected those to come"
                yield in_environments(change.after, *at, message=message, remedy="remove it")
