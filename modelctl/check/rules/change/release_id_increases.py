"""A new release gets a number that no release of the model has had.

## What it does
Refuses a release file that a change adds under a number that main has had with other content, and
one below the highest number that was there before the change. A file that is back at what it said
at an earlier commit of main is welcome.

## Why
Dashboards, alerts, forced headers and the way back name a release by its number. A number that is
used again joins the measurements of two different models, and a rollback by number leads to the
wrong one.

## Bad
```
apps/churn/releases/r2.yaml added, while main has r1 and r3
```

## Good
```
apps/churn/releases/r4.yaml added, while main has r1 and r3
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.finding import START, Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.layout import Kind, place
from modelctl.repo.repository import ModelFiles

ID = "release-id-increases"
LEVEL = Level.ERROR
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One finding for each new release under a number that is not new."""
    before = _numbers(change.before)
    highest = max(before, default=0)
    for release in change.after.releases:
        number = layout.release_number(release)
        if number in before or change.had_before(release):
            continue
        had = change.of.release_identities(change.folder, release)
        if number > highest and not had:
            continue
        what = "which main has had with other content" if had else f"below r{highest}"
        message = f"found the new release {release}, {what}, expected r{highest + 1} or higher"
        path = layout.release_file(change.folder, release)
        yield Violation(path, START, message, "give it the next number, as `modelctl release` does")


def _numbers(files: ModelFiles) -> frozenset[int]:
    """The numbers of all releases, those with faulty files too."""
    places = map(place, files.entries)
    releases = (where.release for where in places if where.kind is Kind.RELEASE)
    return frozenset(map(layout.release_number, releases))
