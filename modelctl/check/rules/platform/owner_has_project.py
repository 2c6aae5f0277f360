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

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.documents import Document
from modelctl.repo.kinds import Model
from modelctl.repo.repository import ModelFiles

ID = "owner-has-project"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each model without, and for each project that is none."""
    if files.model is None:
        return
    shared, owner = files.repository, files.model.owner
    wanted = [
        layout.project_file(environment.name, owner)
        for environment, _ in files.served
        if environment.engine == "argocd"
    ]
    missing = [path for path in wanted if path not in shared.entries]
    if missing:
        yield _no_project(files, files.model, missing)
    for path in wanted:
        if path in shared.documents:
            yield from _wrong_project(shared.documents[path], owner)


def _no_project(files: ModelFiles, model: Model, missing: list[str]) -> Violation:
    path = layout.model_file(model.folder)
    position = files.documents[path].at("owner")
    message = f"found the owner {model.owner} without an AppProject, expected {', '.join(missing)}"
    remedy = "write it, or name a team that has one"
    return Violation(path, position, message, remedy)


def _wrong_project(document: Document, owner: str) -> Iterator[Violation]:
    fields = document.value if isinstance(document.value, dict) else {}
    metadata = fields.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if fields.get("kind") != "AppProject":
        message = f"found the kind {fields.get('kind', 'none')}, expected AppProject"
        yield Violation(document.path, document.at("kind"), message, "write kind: AppProject")
    elif name != owner:
        position = document.at("metadata", "name")
        message = f"found the name {name}, expected {owner} as the file is called"
        yield Violation(document.path, position, message, f"write name: {owner}")
