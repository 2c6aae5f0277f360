"""Where a file lies says what it is, and agrees with what it says.

## What it does
Holds that a model's folder is its `name`; that a serving file is named after an environment of
`argocd/environments.yaml`, each listed once; that a folder below `apps/` has a `model.yaml`; and
that no YAML file lies where nothing reads it, such as `release/r2.yaml` or `envs/prod.yml`.

## Why
A file that nothing reads looks like a change that was made. A name that differs from its folder
puts one model's objects over another's.

## Bad
```yaml
# apps/churn/model.yaml
name: chrun
```

## Good
```yaml
# apps/churn/model.yaml
name: churn
```
"""

import difflib
import re
from collections.abc import Iterator

from modelctl.check.rules.traffic.route_unique import rivals
from modelctl.finding import START, Finding, Level
from modelctl.repo import layout
from modelctl.repo.repository import Repository
from modelctl.repo.tree import EntryKind

ID = "path-identity"
LEVEL = Level.ERROR

_KNOWN = re.compile(
    r"apps/[^/]+/(?:model\.yaml|releases/r[1-9][0-9]*\.yaml|envs/[^/]+\.yaml|rendered/.+)"
    r"|argocd/projects/[^/]+/[^/]+\.yaml"
)
_MUST_BE_KNOWN = re.compile(
    r"apps/[^/]+/(?:releases|envs)/[^/.]+"  # a forgotten suffix
    r"|(?:apps|argocd/projects)/.+\.(?i:ya?ml)|argocd/environments\.yml"
)
_HAND_WRITTEN = re.compile(r"apps/([^/]+)/(?!rendered/).+")
_SERVING = re.compile(r"apps/[^/]+/envs/([^/]+)\.yaml")
_PROJECT = re.compile(r"argocd/projects/([^/]+)/.+")
_FOLDERS = ("releases", "envs", "rendered")
_NEAR = 0.8
_NUMBER = re.compile(r"(?i)r?0*([1-9][0-9]*)")


def check(repository: Repository) -> Iterator[Finding]:
    """One finding for each file whose place and content disagree, or that has no place."""
    strangers = {path: _meant(path) for path in sorted(repository.entries) if _is_stranger(path)}
    for path, meant in strangers.items():
        if repository.entries[path].kind is EntryKind.FILE:
            yield _stranger(path, meant, taken=meant in repository.entries)
    yield from _missing_models(repository, set(strangers.values()))
    yield from _wrong_names(repository)
    yield from _unknown_environments(repository)
    yield from _repeated_environments(repository)


def _is_stranger(path: str) -> bool:
    return bool(_MUST_BE_KNOWN.fullmatch(path)) and not _KNOWN.fullmatch(path)


def _meant(path: str) -> str | None:
    """The path that was probably meant, if there is one."""
    stem, _, suffix = path.rpartition(".")
    fixed = f"{stem}.yaml" if suffix.lower() in ("yml", "yaml") else f"{path}.yaml"
    top, *parts = fixed.split("/")
    if top == layout.APPS and len(parts) == len(("model", "file")):
        near = difflib.get_close_matches(parts[1].lower(), ("model.yaml",), 1, _NEAR)
        fixed = f"{top}/{parts[0]}/{near[0]}" if near else ""
    elif top == layout.APPS and len(parts) == len(("model", "folder", "file")):
        near = difflib.get_close_matches(parts[1].lower(), _FOLDERS, 1, _NEAR)
        fixed = f"{top}/{parts[0]}/{near[0]}/{_file_in(near[0], parts[2])}" if near else ""
    return fixed if fixed == layout.ENVIRONMENTS or _KNOWN.fullmatch(fixed) else None


def _file_in(folder: str, name: str) -> str:
    number = _NUMBER.fullmatch(name.removesuffix(".yaml"))
    return f"r{number[1]}.yaml" if number and folder == "releases" else name


def _stranger(path: str, meant: str | None, *, taken: bool) -> Finding:
    if meant and taken:
        message = f"found a file that nothing reads beside {meant}, expected one of them"
        return Finding(path, START, ID, message, "remove it", LEVEL)
    if meant:
        message = f"found a file that nothing reads, expected {meant}"
        return Finding(path, START, ID, message, "rename it", LEVEL)
    places = "model.yaml, releases/r<N>.yaml or envs/<environment>.yaml"
    if path.startswith(layout.PROJECTS):
        places = "<environment>/<team>.yaml"
    message = f"found a file that nothing reads, expected {places}"
    return Finding(path, START, ID, message, "move it to one of these, or elsewhere", LEVEL)


def _missing_models(repository: Repository, meant: set[str | None]) -> Iterator[Finding]:
    first: dict[str, str] = {}
    for path in sorted(repository.entries):
        if match := _HAND_WRITTEN.fullmatch(path):
            first.setdefault(match[1], path)
    for folder, other in first.items():
        path = layout.model_file(folder)
        if path not in repository.entries and path not in meant:
            message = f"found no such file, expected the model that {other} belongs to"
            yield Finding(path, START, ID, message, f"write it, or remove apps/{folder}", LEVEL)


def _wrong_names(repository: Repository) -> Iterator[Finding]:
    for folder, model in repository.models.items():
        if model.name != folder and not rivals(repository, folder):
            path = layout.model_file(folder)
            place = repository.documents[path].at("name")
            message = f"found the name {model.name} in the folder {folder}, expected them equal"
            remedy = f"write name: {folder}, or rename the folder"
            yield Finding(path, place, ID, message, remedy, LEVEL)


def _unknown_environments(repository: Repository) -> Iterator[Finding]:
    known = [environment.name for environment in repository.environments.ordered]
    told = set(known)
    for path in sorted(repository.entries) if known else ():
        serving, project = _SERVING.fullmatch(path), _PROJECT.fullmatch(path)
        if serving and serving[1] not in known:
            yield _unknown_environment(path, serving[1], known)
        if project and project[1] not in told:
            told.add(project[1])
            yield _unknown_environment(path, project[1], known)


def _unknown_environment(path: str, name: str, known: list[str]) -> Finding:
    near = difflib.get_close_matches(name, known, n=1)
    message = f"found the environment {name}, expected one of {', '.join(known)}"
    hint = f"did you mean {near[0]}?" if near else f"add it to {layout.ENVIRONMENTS}"
    return Finding(path, START, ID, message, hint, LEVEL)


def _repeated_environments(repository: Repository) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, environment in enumerate(repository.environments.ordered):
        if environment.name in seen:
            place = repository.documents[layout.ENVIRONMENTS].at("environments", index, "name")
            message = f"found the environment {environment.name} again, expected each once"
            yield Finding(layout.ENVIRONMENTS, place, ID, message, "rename or remove it", LEVEL)
        seen.add(environment.name)
