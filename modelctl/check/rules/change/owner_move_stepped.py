"""A model that Argo CD serves keeps its owner.

## What it does
Refuses another `owner` of a model for each environment with `engine: argocd` that it is served in
before and after the change.

## Why
A model's namespace is its team's. With another owner Argo CD starts everything anew in the new
namespace and forgets the old one, because it compares only what the Application's project may see:
nothing there is pruned, the older of the two routes keeps host and path, and no later weight has
any effect on what answers. To move a model today, remove its serving files of these environments,
delete its Applications in Argo CD, which deletes what they own, and add it again under the new
owner: for that long it is not served.

## Bad
```yaml
# apps/churn/model.yaml, which said owner: marketing before, with apps/churn/envs/prod.yaml
owner: sales
```

## Good
```yaml
# apps/churn/model.yaml, which said owner: marketing before, without apps/churn/envs/prod.yaml
owner: sales
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout

ID = "owner-move-stepped"
LEVEL = Level.ERROR
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One finding for a model that is applied under another owner than it is to have."""
    model = change.after.model
    served = [environment for environment, _ in change.after.served]
    owners = {
        environment.name: change.applied_before[environment.name].project
        for environment in served
        if environment.engine == "argocd" and environment.name in change.applied_before
    }
    moved = {name: owner for name, owner in owners.items() if owner}
    if model is None or set(moved.values()) <= {model.owner}:
        return
    path = layout.model_file(change.folder)
    places = ", ".join(name for name, owner in moved.items() if owner != model.owner)
    old = next(owner for owner in moved.values() if owner != model.owner)
    message = (
        f"found the owner {model.owner}, expected {old}, in whose namespace it runs in {places}: "
        "Argo CD would start it in another one and leave the old route, which wins"
    )
    remedy = (
        f"write owner: {old}; to move it, remove it from {places}, delete its Applications in "
        f"Argo CD, then add it as {model.owner}'s"
    )
    yield Violation(path, change.after.documents[path].at("owner"), message, remedy)
