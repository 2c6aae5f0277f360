"""Only one model answers under a host and path.

## What it does
Holds that no two models that an environment serves have the same `name`: each would be routed at
the environment's host under `/v2/models/<name>`. Nor is a model named `<other>-grpc` beside the
model `<other>` of the same team, whose calls of gRPC have a route of that name.

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

_OF_CALLS = "-grpc"  # ends the name of a model's route for calls to a host of its own


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for a model whose route belongs to the model of that name."""
    if files.model is not None and is_taken(files):
        path = layout.model_file(files.folder)
        position = files.documents[path].at("name")
        name = files.model.name
        owner = layout.model_file(name)
        message = f"found the route /v2/models/{name} of {owner}, expected one of its own"
        yield Violation(path, position, message, f"write name: {files.folder}")
    elif files.model is not None and is_route_of_calls(files):
        path = layout.model_file(files.folder)
        other = files.folder.removesuffix(_OF_CALLS)
        message = (
            f"found the name {files.folder}, which the route for gRPC of {other} has, "
            "expected one of its own"
        )
        remedy = "give this model another name"
        yield Violation(path, files.documents[path].at("name"), message, remedy)


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


def is_route_of_calls(files: ModelFiles) -> bool:
    """Whether a model beside this one has a route of its name, in an environment of both."""
    model, (other, suffix, rest) = files.model, files.folder.rpartition(_OF_CALLS)
    if model is None or not suffix or rest or other not in files.repository.folders:
        return False
    beside = files.repository.model(other)
    return (
        beside.model is not None
        and beside.model.owner == model.owner
        and not beside.servings.keys().isdisjoint(files.servings)
    )
