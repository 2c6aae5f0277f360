"""What an Application that people write reads from this repository is there.

## What it does
Looks for the folder that each source of this repository names, for an object in it, and for the
files of values that a chart gets from here; a folder of another environment is refused. A source
is a folder or a chart, never both, and an Application has `source` or `sources`. Of `values` and
`valuesObject` one alone.

## Why
"app path does not exist": the Application is Unknown, and what it applied before stays as it is,
whatever is committed. Of two forms of values Argo CD takes one and says nothing of the other.

## Bad
```yaml
source: {repoURL: "https://git.example.com/models.git", path: argocd/platform/prod/sites}
```

## Good
```yaml
source: {repoURL: "https://git.example.com/models.git", path: argocd/platform/prod/site}
```
"""

from collections.abc import Iterator, Mapping

from modelctl.check.written import Written, applications, synced
from modelctl.finding import Level, Pointer, Scope, Violation
from modelctl.nearest import hint
from modelctl.render.loose import value
from modelctl.repo import layout
from modelctl.repo.repository import Files, Repository
from modelctl.repo.scalars import short

ID = "application-source-exists"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_OBJECTS = (".yaml", ".yml", ".json", ".jsonnet")
_Source = Mapping[str, object]


def check(files: Files) -> Iterator[Violation]:
    """One finding for each source, and each file of values, that is not there."""
    if not isinstance(files, Repository):
        return
    for each in applications(files):
        if not synced(files, each.environment):
            continue
        spec = value(each.value, "spec")
        if isinstance(spec, Mapping) and ("source" in spec) == ("sources" in spec):
            message = "found both or none of source and sources, expected one of them"
            yield each.violation("spec", message=message, remedy="write source")
        for at, source in each.sources():
            yield from _form(each, at, source)
            yield from _folder(files, each, at, source)
            yield from _values(files, each, at, source)


def _form(each: Written, at: Pointer, source: _Source) -> Iterator[Violation]:
    if not source.get("repoURL"):
        message = "found no repoURL, expected the address of a repository"
        yield each.violation(*at, message=message, remedy="write repoURL")
    if ("path" in source) == ("chart" in source) and not (
        "ref" in source and "chart" not in source
    ):
        message = "found both or none of path and chart, expected one of them"
        yield each.violation(*at, message=message, remedy="write the folder, or the chart")
    helm = source.get("helm")
    if isinstance(helm, Mapping) and "values" in helm and "valuesObject" in helm:
        message = "found values beside valuesObject, which Argo CD takes no notice of"
        yield each.violation_at_key(*at, "helm", "values", message=message, remedy="keep one")


def _folder(files: Repository, each: Written, at: Pointer, source: _Source) -> Iterator[Violation]:
    path = source.get("path")
    if not isinstance(path, str) or source.get("repoURL") != files.environments.source.url:
        return
    folder = path.strip("/")
    is_odd = path.startswith("/") or {"", ".", ".."} & set(folder.split("/"))
    names = () if is_odd else files.tree.names(folder)
    if is_odd:
        message = f"found {short(path)}, expected the path of a folder below the repository"
        remedy = "write it without a slash before it, dots, and empty parts"
    elif not names:
        parent = folder.rpartition("/")[0]
        beside = [f"{parent}/{name}" if parent else name for name in _names(files, parent)]
        message = f"found {short(folder)}, expected a folder that is there"
        remedy = hint(folder, beside, otherwise="write the folder, or remove the Application")
    elif not _has_objects(files, folder, source, names):
        message = f"found {short(folder)}, expected a folder with an object in it"
        remedy = "write one there, or let the source recurse"
    elif other := _other_environment(files, each, folder):
        message = f"found the folder of {other}, expected one of {each.environment}"
        remedy = "name a folder of this environment: what is there is made for the other"
    else:
        return
    yield each.violation(*at, "path", message=message, remedy=remedy)


def _names(files: Repository, folder: str) -> tuple[str, ...]:
    return files.tree.names(folder) if folder else ()


def _has_objects(files: Repository, folder: str, source: _Source, names: tuple[str, ...]) -> bool:
    if value(source, "directory", "recurse") is True:
        return any(path.endswith(_OBJECTS) for path in files.tree.below(folder))
    return any(name.endswith(_OBJECTS) for name in names)


def _other_environment(files: Repository, each: Written, folder: str) -> str:
    """The environment that a folder is for, where that is not the Application's; else empty."""
    others = {e.name for e in files.environments.ordered} - {each.environment}
    match folder.split("/"):
        case [layout.ARGOCD, _, environment, *_] if environment in others:
            return environment
        case [layout.APPS, _, "rendered", environment] if environment in others:
            return environment
    return ""


def _values(files: Repository, each: Written, at: Pointer, source: _Source) -> Iterator[Violation]:
    listed = value(source, "helm", "valueFiles")
    ours = {
        str(other["ref"])
        for _, other in each.sources()
        if "ref" in other and other.get("repoURL") == files.environments.source.url
    }
    foreign = {str(other["ref"]) for _, other in each.sources() if "ref" in other} - ours
    for index, name in enumerate(listed if isinstance(listed, list) else ()):
        ref, _, path = str(name).partition("/")
        if not ref.startswith("$") or ref[1:] in foreign:
            continue
        place = (*at, "helm", "valueFiles", index)
        if ref[1:] not in ours:
            message = f"found {short(ref)}, expected the ref of another source"
            yield each.violation(*place, message=message, remedy=hint(ref[1:], ours))
        elif files.tree.entry(path) is None:
            message = f"found {short(path)}, expected a file that is there"
            beside = [
                f"{path.rpartition('/')[0]}/{n}" for n in _names(files, path.rpartition("/")[0])
            ]
            yield each.violation(*place, message=message, remedy=hint(path, beside))
