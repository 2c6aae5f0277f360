"""A move from one team to another has an end.

## What it does
Warns of `moved_from` in a `model.yaml`, in the commit that moves the model and for as long as the
field stands there.

## Why
For that long the new team's project reaches into the old team's namespace, which is meant for the
minutes of a move. Forgotten, it is a right that nobody knows of, and the next move of the model
finds the field taken.

## Bad
```yaml
# apps/churn/model.yaml, a week after the move
owner: sales
moved_from: marketing
```

## Good
```yaml
owner: sales
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.kinds import namespace_of
from modelctl.repo.repository import ModelFiles

ID = "move-ends"
LEVEL = Level.WARNING
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each model that moves."""
    if files.model is None or files.model.moved_from is None:
        return
    path = layout.model_file(files.folder)
    former = files.model.moved_from
    message = f"found moved_from: {former}, expected it for the time of a move alone"
    remedy = (
        f"once {namespace_of(former)} has nothing of it any more, remove the line and run "
        "`modelctl render`"
    )
    yield Violation(path, files.documents[path].at("moved_from"), message, remedy)
