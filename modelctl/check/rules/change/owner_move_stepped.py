"""A model that Argo CD serves changes its owner by a move that Argo CD can follow.

## What it does
Refuses another `owner` of a model for each environment with `engine: argocd` that it is served in
before and after the change, unless `moved_from` names the team that it had there.

## Why
A model's namespace is its team's. With another owner Argo CD starts everything anew in the new
namespace, and compares only what the new team's project may see: nothing in the old one is pruned,
the older of the two routes keeps host and path, and no later weight has any effect on what answers.
With `moved_from` the old namespace is in the new team's project, and what is left there is pruned
within a second. docs/how-to/move-a-model.md has the steps, and how to take one back.

## Bad
```yaml
# apps/churn/model.yaml, which said owner: marketing before, with apps/churn/envs/prod.yaml
owner: sales
```

## Good
```yaml
# apps/churn/model.yaml, which said owner: marketing before, with apps/churn/envs/prod.yaml
owner: sales
moved_from: marketing
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
    """One finding for a model that is applied under an owner that it does not say it moves from."""
    model = change.after.model
    if model is None:
        return
    owners = {
        environment.name: change.applied_before[environment.name].project
        for environment, _ in change.after.served
        if environment.engine == "argocd" and environment.name in change.applied_before
    }
    known = {"", model.owner, model.moved_from}
    left = {name: owner for name, owner in owners.items() if owner not in known}
    if not left:
        return
    path = layout.model_file(change.folder)
    old = next(iter(left.values()))
    message = (
        f"found the owner {model.owner}, expected {old}, in whose namespace it runs in "
        f"{', '.join(left)}: Argo CD would start it in another one and leave the old route, which "
        "wins"
    )
    remedy = f"write owner: {old}; to move it, write moved_from: {old} beside the new owner"
    yield Violation(path, change.after.documents[path].at("owner"), message, remedy)
