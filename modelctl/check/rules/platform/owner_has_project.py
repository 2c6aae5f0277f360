"""The team that owns a model has an AppProject wherever Argo CD serves it.

## What it does
Looks, for each environment with `engine: argocd` that serves a model, for
`argocd/projects/<environment>/<owner>.yaml`: an AppProject whose name is the owner.

## Why
An Application that names a project that does not exist stays Unknown and syncs nothing; no check in
the cluster says so before the merge.

## Bad
```yaml
# apps/churn/model.yaml, without argocd/projects/prod/marketting.yaml
owner: marketting
```

## Good
```yaml
# apps/churn/model.yaml, with argocd/projects/prod/marketing.yaml
owner: marketing
```
"""

from collections.abc import Iterator

from modelctl.finding import Finding, Level
from modelctl.repo import layout
from modelctl.repo.documents import Document
from modelctl.repo.kinds import Model
from modelctl.repo.repository import Repository

ID = "owner-has-project"
LEVEL = Level.ERROR


def check(repository: Repository) -> Iterator[Finding]:
    """One finding for each model without, and for each project that is none."""
    for folder, model in repository.models.items():
        wanted = [
            layout.project_file(environment.name, model.owner)
            for environment, _ in repository.servings_of(folder)
            if environment.engine == "argocd"
        ]
        missing = [path for path in wanted if path not in repository.entries]
        if missing:
            yield _no_project(repository, model, missing)
        for path in wanted:
            if path in repository.documents:
                yield from _wrong_project(repository.documents[path], model.owner)


def _no_project(repository: Repository, model: Model, missing: list[str]) -> Finding:
    path = layout.model_file(model.folder)
    place = repository.documents[path].at("owner")
    message = f"found the owner {model.owner} without an AppProject, expected {', '.join(missing)}"
    remedy = "write it, or name a team that has one"
    return Finding(path, place, ID, message, remedy, LEVEL)


def _wrong_project(document: Document, owner: str) -> Iterator[Finding]:
    fields = document.value if isinstance(document.value, dict) else {}
    metadata = fields.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if fields.get("kind") != "AppProject":
        message = f"found the kind {fields.get('kind', 'none')}, expected AppProject"
        yield Finding(document.path, document.at("kind"), ID, message, "write it so", LEVEL)
    elif name != owner:
        place = document.at("metadata", "name")
        message = f"found the name {name}, expected {owner} as the file is called"
        yield Finding(document.path, place, ID, message, f"write name: {owner}", LEVEL)
