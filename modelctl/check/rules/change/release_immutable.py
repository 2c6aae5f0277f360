"""A release is never edited: other settings are another release.

## What it does
Compares each release file with what it was before the change, by value: comments, layout and
`provenance` may change. A file that `modelctl check` refused before may be mended, one that is back
at what it said at an earlier commit of main is welcome, and one that no environment names may be
deleted.

## Why
An edit in place restarts every pod of the release, in every environment and under full traffic,
without a canary; and the release that a rollback should lead to is not there any more.

## Bad
```yaml
# apps/churn/releases/r2.yaml, which said threads: 1 before
runtime: {providers: [cpu], threads: 2, max_inflight: 64}
```

## Good
```yaml
# apps/churn/releases/r3.yaml, with the same artifact, introduced at weight 0
runtime: {providers: [cpu], threads: 2, max_inflight: 64}
```
"""

from collections.abc import Iterator, Sequence

from modelctl.check.change import ModelChange
from modelctl.check.fields import differing, named, shown
from modelctl.finding import Level, Pointer, Scope, Violation
from modelctl.repo import layout

ID = "release-immutable"
LEVEL = Level.ERROR
SCOPE = Scope.CHANGE

_UNCOUNTED = "provenance"


def check(change: ModelChange) -> Iterator[Violation]:
    """One finding for each release that is another under its old name."""
    for release in change.after.releases:
        edited = edits(change, release)
        if edited and is_refused(change, release):
            yield _violation(change, release, edited)


def edits(change: ModelChange, release: str) -> Sequence[Pointer]:
    """Where a release says something else than before; nowhere if either file is invalid."""
    if release not in change.before.releases or release not in change.after.releases:
        return ()
    path = layout.release_file(change.folder, release)
    before, after = (files.documents[path].value for files in (change.before, change.after))
    return [at for at in differing(before, after) if at[0] != _UNCOUNTED]


def is_refused(change: ModelChange, release: str) -> bool:
    """Whether an edited release was right as it was, and never was what it is now."""
    path = layout.release_file(change.folder, release)
    return path not in change.refused_before and not change.had_before(release)


def _violation(change: ModelChange, release: str, edited: Sequence[Pointer]) -> Violation:
    path = layout.release_file(change.folder, release)
    before, after = change.before.documents[path], change.after.documents[path]
    first, more = edited[0], len(edited) - 1
    others = f" and {more} more change{'s' * (more > 1)}" if more else ""
    message = (
        f"{named(first)}: found {shown(after.value, first)}{others}, "
        f"expected {shown(before.value, first)} as {release} has had"
    )
    remedy = "put it back, and write what is new as another release"
    return Violation(path, after.at(*first), message, remedy)
