"""The team that owns a model serves wherever Argo CD serves the model.

## What it does
Looks, for each environment with `engine: argocd` that serves a model, for its owner in
`argocd/teams.yaml`, with that environment among the team's `environments` if it has any.

## Why
A team's AppProject and namespace are rendered from there. An Application that names a project that
does not exist stays Unknown and syncs nothing; no check in the cluster says so before the merge.

## Bad
```yaml
# apps/churn/model.yaml; argocd/teams.yaml has the team marketing
owner: marketting
```

## Good
```yaml
# apps/churn/model.yaml; argocd/teams.yaml has the team marketing
owner: marketing
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.nearest import hint
from modelctl.repo import layout
from modelctl.repo.kinds import Model, Team
from modelctl.repo.repository import ModelFiles

ID = "owner-has-project"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for a model whose owner is no team, or none of an environment."""
    shared = files.repository
    if files.model is None or any(fault.path == layout.TEAMS for fault in shared.faults):
        return
    team = shared.teams.get(files.model.owner)
    served = [each for each, _ in files.served if each.engine == "argocd"]
    missing = [each.name for each in served if team is None or not team.serves_in(each)]
    if missing:
        yield _no_project(files, files.model, team, ", ".join(missing))


def _no_project(files: ModelFiles, model: Model, team: Team | None, missing: str) -> Violation:
    path = layout.model_file(model.folder)
    position = files.documents[path].at("owner")
    if team is not None:
        message = f"found the owner {model.owner}, expected a team that serves in {missing}"
        remedy = f"add {missing} to its environments in {layout.TEAMS}"
        return Violation(path, position, message, remedy)
    known = [each.name for each in files.repository.teams.ordered]
    message = (
        f"found the owner {model.owner}, expected a team of {layout.TEAMS}, "
        f"because {missing} serves the model"
    )
    remedy = hint(model.owner, known, otherwise="add the team there, or name one that it has")
    return Violation(path, position, message, remedy)
