"""A model that Argo CD serves changes its owner by a move that Argo CD can follow.

## What it does
Refuses another `owner` of a model for each environment with `engine: argocd` that it is served in
before and after the change, unless `moving_from` names the team that it had there.

## Why
A model's namespace is its team's. With another owner Argo CD starts everything anew in the new
namespace, and compares only what the new team's project may see: nothing in the old one is pruned,
the older of the two routes keeps host and path, and no later weight has any effect on what answers.
So a move has three steps. With `moving_from` the new pods start beside the old ones, which go on
answering. Then `moved_from` puts the old namespace into the new team's project, and what is left
there is pruned. Both at once would prune first: callers would wait for the new pods to start.
docs/how-to/move-a-model.md has the steps, and how to take one back.

## Bad
```yaml
# apps/churn/model.yaml, which said owner: marketing before, with apps/churn/envs/prod.yaml
owner: sales
```

## Good
```yaml
# apps/churn/model.yaml, which said owner: marketing before, with apps/churn/envs/prod.yaml
owner: sales
moving_from: marketing
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
    """One finding for a model that is applied under an owner that it does not say it leaves."""
    model = change.after.model
    if model is None:
        return
    owners = {
        environment.name: change.applied_before[environment.name].project
        for environment, _ in change.after.served
        if environment.engine == "argocd" and environment.name in change.applied_before
    }
    known = {"", model.owner, model.moving_from}
    left = {name: owner for name, owner in owners.items() if owner not in known}
    if not left:
        return
    path = layout.model_file(change.folder)
    old = next(iter(left.values()))
    if model.moved_from == old:
        yield _at_once(change, path, old)
        return
    message = (
        f"found the owner {model.owner}, expected {old}, in whose namespace it runs in "
        f"{', '.join(left)}: Argo CD would start it in another one and leave the old route, which "
        "wins"
    )
    remedy = f"write owner: {old}; to move it, write moving_from: {old} beside the new owner"
    yield Violation(path, change.after.documents[path].at("owner"), message, remedy)


def _at_once(change: ModelChange, path: str, old: str) -> Violation:
    """Argo CD prunes what it may before it makes what is new."""
    message = (
        f"found moved_from: {old} beside another owner, expected moving_from: {old} first: the old "
        "pods would go before the new ones are ready"
    )
    remedy = f"write moving_from: {old}; moved_from: {old} in a later commit"
    return Violation(path, change.after.documents[path].at("owner"), message, remedy)
