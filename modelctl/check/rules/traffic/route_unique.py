"""Only one model answers under a host and path.

## What it does
Holds that no two models that an environment serves have the same `name`: each would be routed at
the environment's host under `/v2/models/<name>`.

## Why
Of two routes with the same host and path the older one wins, and the gateway calls both accepted.
Nothing in the cluster says that one model gets no request.

## Bad
```yaml
# apps/churn/model.yaml and apps/churn-copy/model.yaml, both served in prod
name: churn
```

## Good
```yaml
# apps/churn-copy/model.yaml
name: churn-copy
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles

ID = "route-unique"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for a model whose route belongs to the model of that name."""
    if files.model is not None and is_taken(files):
        path = layout.model_file(files.folder)
        position = files.documents[path].at("name")
        name = files.model.name
        owner = layout.model_file(name)
        message = f"found the route /v2/models/{name} of {owner}, expected one of its own"
        yield Violation(path, position, message, f"write name: {files.folder}")


def is_taken(files: ModelFiles) -> bool:
    """Whether the folder that a model's name belongs to serves in an environment of its own.

    Two misnamed models may have one name as well; then each of them has a finding of
    path-identity, and with both mended the route is no one else's.
    """
    model = files.model
    if model is None or model.name == files.folder or model.name not in files.repository.folders:
        return False
    namesake = files.repository.model(model.name)
    return namesake.model is not None and not namesake.servings.keys().isdisjoint(files.servings)
