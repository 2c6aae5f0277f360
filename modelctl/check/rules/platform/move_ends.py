"""A move from one team to another has an end.

## What it does
Warns of `moving_from` and `moved_from` in a `model.yaml`, in the commits that move the model and
for as long as the field stands there.

## Why
With `moving_from` the model runs twice, and the old one alone is asked: no weight in git has any
effect. With `moved_from` the new team's project reaches into the old team's namespace, which is
meant for the minutes of a move. Forgotten, it is a right that nobody knows of.

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
    model = files.model
    if model is None or (model.moving_from is None and model.moved_from is None):
        return
    path = layout.model_file(files.folder)
    if model.moved_from is not None:
        field, former = "moved_from", model.moved_from
        remedy = (
            f"once {namespace_of(former)} has nothing of it any more, remove the line and run "
            "`modelctl render`"
        )
    else:
        field, former = "moving_from", str(model.moving_from)
        remedy = (
            f"once its pods in {namespace_of(model.owner)} are ready, write moved_from: {former} "
            "instead and run `modelctl render`"
        )
    message = f"found {field}: {former}, expected it for the time of a move alone"
    yield Violation(path, files.documents[path].at(field), message, remedy)
