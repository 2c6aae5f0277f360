"""No model has the name of an Application of the platform.

## What it does
Compares each model that an environment of engine `argocd` serves with the Applications that stand
in `argocd/platform/<environment>/`, by hand or rendered, and with `root`.

## Why
All Applications of an environment stand in one namespace. Of two with one name Argo CD applies
either, now the model, now the part of the platform, and removes what the other one had.

## Bad
```yaml
# apps/keda/model.yaml, served in prod; argocd/platform/prod/keda.yaml is the autoscaler
name: keda
```

## Good
```yaml
# apps/keda-traffic/model.yaml
name: keda-traffic
```
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.layout import Kind, place
from modelctl.repo.repository import ModelFiles, Repository

ID = "application-name-free"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL

_ROOT = "root"


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for a model whose Application would be another's."""
    model, shared = files.model, files.repository
    if model is None:
        return
    served = [each.name for each, _ in files.served if each.engine == "argocd"]
    taken = {each: path for each in served if (path := _taken(shared).get((each, model.name)))}
    if taken:
        path = layout.model_file(files.folder)
        where = ", ".join(taken.values())
        message = f"found the name {model.name}, expected one that no Application has: {where}"
        remedy = "give the model another name"
        yield Violation(path, files.documents[path].at("name"), message, remedy)


@lru_cache(maxsize=4)  # the same for every model
def _taken(repository: Repository) -> Mapping[tuple[str, str], str]:
    """By environment and name, the file of each Application that is no model's."""
    of_argo_cd = [each.name for each in repository.environments.ordered if each.engine == "argocd"]
    taken = {(each, _ROOT): layout.bootstrap_file(each) for each in of_argo_cd}
    for each in of_argo_cd:
        for folder in sorted(layout.PLATFORM_FOLDERS):
            path = layout.platform_application_file(each, folder)
            taken[each, layout.platform_application(folder)] = path
    for path, document in repository.documents.items():
        where = place(path)
        if where.kind is Kind.PLATFORM and where.environment and (name := _name(document.value)):
            taken[where.environment, name] = path
    return taken


def _name(value: object) -> str:
    """The name of an Application; empty for everything else."""
    if not isinstance(value, dict) or value.get("kind") != "Application":
        return ""
    metadata = value.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""
