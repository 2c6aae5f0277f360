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

from modelctl.finding import Finding, Level
from modelctl.repo import layout
from modelctl.repo.repository import Repository

ID = "route-unique"
LEVEL = Level.ERROR


def check(repository: Repository) -> Iterator[Finding]:
    """One finding for each model whose route another one has already."""
    for folder, model in repository.models.items():
        others = rivals(repository, folder)
        if others and folder != _rightful(model.name, [folder, *others]):
            path = layout.model_file(folder)
            place = repository.documents[path].at("name")
            owner = layout.model_file(_rightful(model.name, [folder, *others]))
            message = f"found the route /v2/models/{model.name}, which {owner} has already"
            yield Finding(path, place, ID, message, f"write name: {folder}", LEVEL)


def rivals(repository: Repository, folder: str) -> list[str]:
    """Other folders with the same name that are served in an environment that this one is in."""
    model = repository.models[folder]
    own = {environment.name for environment, _ in repository.servings_of(folder)}
    return [
        other
        for other, rival in repository.models.items()
        if other != folder
        and rival.name == model.name
        and any(environment.name in own for environment, _ in repository.servings_of(other))
    ]


def _rightful(name: str, folders: list[str]) -> str:
    return name if name in folders else min(folders)
