"""What serves in a team's namespace comes from the team's models alone.

## What it does
Refuses objects written by hand whose namespace is that of a team, but for what a namespace needs
and models do not bring: ConfigMap, LimitRange, ResourceQuota, ExternalSecret and NetworkPolicy. The
same holds for an Application of the platform that applies to such a namespace.

## Why
A model that is removed takes nothing along that another hand put there, a Service of the same name
answers for the model, and a RoleBinding is a right that no team asked for. Nobody who reads the
model's folder would find out.

## Bad
```yaml
kind: Deployment
metadata: {name: cache, namespace: models-vision}
```

## Good
```yaml
kind: Deployment
metadata: {name: cache, namespace: caches}
```
"""

from collections.abc import Iterator

from modelctl.check.written import Written, applications, written
from modelctl.finding import Level, Scope, Violation
from modelctl.render.argocd.kinds import NAMESPACE_KINDS
from modelctl.render.argocd.project import PLATFORM
from modelctl.render.loose import value
from modelctl.repo.repository import Files, Repository

ID = "team-namespace-kept"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_REMEDY = "give it a namespace of its own"


def check(files: Files) -> Iterator[Violation]:
    """One finding for each object, and each Application, that would stand among the models."""
    if not isinstance(files, Repository):
        return
    teams = {team.namespace: team.name for team in files.teams.ordered}
    for each in written(files):
        team = teams.get(each.namespace)
        if team and (each.group, each.kind) not in NAMESPACE_KINDS:
            yield _among_models(each, team, ("metadata", "namespace"), each.namespace)
    for each in applications(files):
        namespace = value(each.value, "spec", "destination", "namespace")
        is_platform = value(each.value, "spec", "project") == PLATFORM
        if is_platform and (team := teams.get(str(namespace))):
            yield _among_models(each, team, ("spec", "destination", "namespace"), str(namespace))


def _among_models(each: Written, team: str, at: tuple[str, ...], namespace: str) -> Violation:
    message = f"found {namespace}, expected no {each.kind} among the models of {team}"
    return each.violation(*at, message=message, remedy=_REMEDY)
