"""A waiver names one rule, a day and a reason.

## What it does
Refuses a comment that begins with `modelctl: waive` and is not of the form below, names no rule, or
one that cannot be waived: what a file means, secrets and generated files are nobody's to waive. The
comment stands on a line of its own in the file that the finding is about, and makes a note of it.

## Why
A waiver that is not read leaves its author sure of something that is refused tomorrow; one without
a day stays for ever, and one without a reason nobody dares to remove.

## Bad
```yaml
# modelctl: waive capacity-for-weight
weights: {r1: 0, r2: 100}
```

## Good
```yaml
# modelctl: waive capacity-for-weight until 2026-12-31: scaled by hand for the sale
weights: {r1: 0, r2: 100}
```
"""

from collections.abc import Iterator
from functools import cache

from modelctl.check.waivers import malformed
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import Files

ID = "waiver-well-formed"
LEVEL = Level.ERROR
SCOPE = Scope.FILES


def check(files: Files) -> Iterator[Violation]:
    """One finding for each waiver that waives nothing."""
    return malformed(files, _known())


@cache
def _known() -> frozenset[str]:
    from modelctl.check.rules import RULES  # noqa: PLC0415 - the table has this rule in it

    return frozenset(rule.ID for rule in RULES)
