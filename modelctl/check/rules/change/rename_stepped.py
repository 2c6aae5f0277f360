"""A model that is served gets another name by standing beside the old one.

## What it does
Refuses a change in which a served model goes and another comes that has one of its model files, in
an environment of both.

## Why
The name is in the address. Whoever calls the old one gets 404 with the merge, or, in a cluster,
goes on being answered by pods that no file owns any more, because the root Application never
prunes.

## Bad
```
git mv apps/churn apps/customer-churn, with name: customer-churn
```

## Good
```
apps/customer-churn/ added; apps/churn/ removed once nobody calls it any more
```
"""

from collections.abc import Iterator

from modelctl.check.change import FleetChange
from modelctl.check.placed import in_model
from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles

ID = "rename-stepped"
LEVEL = Level.ERROR
SCOPE = Scope.FLEET

_MOST = 50  # models that come at once and are compared; more is no rename


def check(change: FleetChange) -> Iterator[Violation]:
    """One finding for each model that is another under a new name."""
    touched = sorted(change.of.folders)
    gone = [f for f in touched if not _is_there(change, f, before=False)]
    new = [f for f in touched if not _is_there(change, f, before=True)]
    if not gone or not new or max(len(gone), len(new)) > _MOST:
        return
    old = {folder: change.before.model(folder) for folder in gone}
    for folder in new:
        files = change.after.model(folder)
        for former, before in old.items():
            both = files.servings.keys() & before.servings.keys()
            if files.model is not None and both and _artifacts(files) & _artifacts(before):
                message = f"found {folder} in the place of {former}, which is called in "
                message += f"{', '.join(sorted(both))}"
                remedy = f"keep apps/{former} until nobody calls it any more, then remove it"
                yield in_model(files, "name", message=message, remedy=remedy)


def _is_there(change: FleetChange, folder: str, *, before: bool) -> bool:
    tree = change.before.tree if before else change.after.tree
    return tree.entry(layout.model_file(folder)) is not None


def _artifacts(files: ModelFiles) -> set[str]:
    return {release.artifact.sha256 for release in files.releases.values()}
