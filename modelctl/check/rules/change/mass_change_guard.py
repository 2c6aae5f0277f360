"""A change takes few models away, and moves the traffic of few.

## What it does
Refuses a change that takes more than one served model out of the repository, or moves traffic of
more than ten models in one environment of Argo CD. What returns to former bytes is not counted.

## Why
`git rm -r apps/*`, a script over all serving files, a merge that went wrong: each looks like one
commit and ends everything. Nobody can watch ten canaries at once, and a revert of them all is
another mass change.

## Bad
```
apps/churn/ and apps/digits/ removed in one change
```

## Good
```
apps/churn/ removed, and apps/digits/ in a later change
```
"""

from collections.abc import Iterator

from modelctl.check.change import FleetChange
from modelctl.check.placed import in_environments
from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.history import asked_for
from modelctl.repo.tree import EntryKind, Tree

ID = "mass-change-guard"
LEVEL = Level.ERROR
SCOPE = Scope.FLEET

_MOST_REMOVED = 1
_MOST_MOVED = 10  # that a person can watch at once


def check(change: FleetChange) -> Iterator[Violation]:
    """One finding for each environment that changes as a whole."""
    for index, environment in enumerate(change.after.environments.ordered):
        pairs = [(folder, environment.name) for folder in sorted(change.of.folders)]
        pairs = [pair for pair in pairs if pair not in change.of.returned]
        gone = [folder for folder, name in pairs if _is_gone(change, folder, name)]
        at = ("environments", index, "name")
        if len(gone) > _MOST_REMOVED:
            message = (
                f"found {len(gone)} models taken out of {environment.name} at once "
                f"({', '.join(gone[:3])}), expected one a change"
            )
            remedy = "remove them one by one, each once nobody calls it any more"
            yield in_environments(change.after, *at, message=message, remedy=remedy)
        moved = [folder for folder, name in pairs if _is_moved(change, folder, name)]
        if environment.engine == "argocd" and len(moved) > _MOST_MOVED:
            message = (
                f"found other traffic for {len(moved)} models in {environment.name} at once, "
                f"expected at most {_MOST_MOVED}"
            )
            remedy = "shift them in several changes, and look at each"
            yield in_environments(change.after, *at, message=message, remedy=remedy)


def _is_gone(change: FleetChange, folder: str, environment: str) -> bool:
    """Whether a model that was served leaves the repository."""
    path = layout.serving_file(folder, environment)
    was_served = change.before.tree.entry(path) is not None
    return was_served and change.after.tree.entry(layout.model_file(folder)) is None


def _is_moved(change: FleetChange, folder: str, environment: str) -> bool:
    path = layout.serving_file(folder, environment)
    if path not in change.of.paths:
        return False
    before, after = (_weights(repo.tree, path) for repo in (change.before, change.after))
    return before is not None and after is not None and before != after


def _weights(tree: Tree, path: str) -> object:
    entry = tree.entry(path)
    if entry is None or entry.kind is not EntryKind.FILE:
        return None
    told = asked_for(path, tree.read(path))
    return {release: weight for release, weight in told[1].items() if weight} if told else None
