"""What people write below `argocd/` lies where something reads it.

## What it does
Refuses a YAML file below `argocd/platform/` whose folder is no environment, or lies in a folder
that no Application syncs; and one elsewhere below `argocd/` that neither the renderer nor the role
that installs Argo CD looks for. Read are: the files of `argocd/platform/<environment>/` and of its
`site/`, those of a folder that an Application there names as its source, values that one names,
and the files of `argocd/config/`.

## Why
A file that nothing reads looks like a part of the platform. Argo CD has no word about it: it shows
Synced and Healthy, without the monitoring that lies in `prd/`.

## Bad
```yaml
# argocd/platform/prd/monitoring.yaml, beside the environment prod
kind: Application
```

## Good
```yaml
# argocd/platform/prod/monitoring.yaml
kind: Application
```
"""

from collections.abc import Iterator

from modelctl.check.written import folders_read, reader_of, written
from modelctl.finding import START, Level, Scope, Violation
from modelctl.nearest import hint
from modelctl.render.loose import value
from modelctl.repo import layout
from modelctl.repo.layout import Kind, place
from modelctl.repo.repository import Files, Repository

ID = "file-synced"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_READ = "argocd/platform/<environment>/, its site/, or argocd/config/"


def check(files: Files) -> Iterator[Violation]:
    """One finding for each file that nothing reads."""
    if not isinstance(files, Repository) or not files.environments.ordered:
        return
    known = [each.name for each in files.environments.ordered]
    read, values = folders_read(files), _values(files)
    for path in sorted(files.entries):
        if place(path).kind is not Kind.PLATFORM or path in values:
            continue
        environment = place(path).environment
        if environment and environment not in known:
            message = f"found the environment {environment}, expected one of {', '.join(known)}"
            remedy = hint(environment, known, otherwise=f"add it to {layout.ENVIRONMENTS}")
            yield Violation(path, START, message, remedy)
        elif not reader_of(path, read):
            message = f"found a file that nothing reads, expected it in {_READ}"
            yield Violation(path, START, message, _remedy(path))


def _values(files: Repository) -> frozenset[str]:
    """The files that charts get their values from."""
    return frozenset(
        str(name).partition("/")[2]
        for each in written(files)
        for _, source in each.sources()
        for name in _listed(value(source, "helm", "valueFiles"))
    )


def _listed(found: object) -> list[object]:
    return found if isinstance(found, list) else []


def _remedy(path: str) -> str:
    file, environment = path.rpartition("/")[2], place(path).environment
    if environment:
        folder = layout.platform_folder(environment, layout.SITE)
        return f"move it to {folder}/{file}, or let an Application name its folder"
    return "move it there, or remove it"
