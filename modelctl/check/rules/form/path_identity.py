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
from collections.abc import Collection, Iterator

from modelctl.check.rules.traffic.route_unique import is_taken
from modelctl.finding import START, Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.kinds import Environments
from modelctl.repo.layout import GENERATED, Kind, place
from modelctl.repo.repository import Files, ModelFiles, Repository
from modelctl.repo.tree import EntryKind

ID = "path-identity"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_YAML = re.compile(r".+\.ya?ml", re.IGNORECASE)
_FORGOTTEN_SUFFIX = re.compile(r"[^/.]+")  # a name that was to end in .yaml
_FOLDERS = ("releases", "envs", "rendered")
_PLACES = "model.yaml, releases/r<N>.yaml or envs/<environment>.yaml in apps/<model>"
_NEAR = 0.8  # of difflib, 0 to 1: `release` is near to `releases`
_NUMBER = re.compile(r"(?i)r?0*([1-9][0-9]*)")  # of a release, written in some other way


def check(files: Files) -> Iterator[Violation]:
    """One finding for each file whose place and content disagree, or that has no place."""
    strangers = {path: _meant(path) for path in sorted(files.entries) if _is_stranger(path)}
    for path, meant in strangers.items():
        if files.entries[path].kind is EntryKind.FILE:
            yield _stranger(path, meant, taken=meant in files.entries)
    if isinstance(files, ModelFiles):
        yield from _missing_model(files, strangers.values())
        yield from _wrong_name(files)
        yield from _unknown_environments(files, files.environments)
    if isinstance(files, Repository):
        yield from _repeated_environments(files)


def _is_stranger(path: str) -> bool:
    """Whether nothing reads a file that lies, or is named, as if something did."""
    if place(path).kind is not Kind.OTHER:
        return False
    top, *parts = path.split("/")
    if top == layout.APPS:
        forgotten = parts[1:-1] in (["releases"], ["envs"]) and _FORGOTTEN_SUFFIX.fullmatch(
            parts[-1]
        )
        return bool(forgotten or _YAML.fullmatch(path))
    return top == layout.ARGOCD and _YAML.fullmatch(path) is not None


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
    return fixed if place(fixed).kind is not Kind.OTHER else None


def _file_in(folder: str, name: str) -> str:
    number = _NUMBER.fullmatch(name.removesuffix(".yaml"))
    return f"r{number[1]}.yaml" if number and folder == "releases" else name


def _stranger(path: str, meant: str | None, *, taken: bool) -> Violation:
    if meant and taken:
        message = f"found a file that nothing reads beside {meant}, expected one of them"
        return Violation(path, START, message, "remove it")
    if meant:
        message = f"found a file that nothing reads, expected {meant}"
        return Violation(path, START, message, "rename it")
    message = f"found a file that nothing reads, expected {_PLACES}"
    return Violation(path, START, message, f"move it there, or out of {layout.APPS}")


def _missing_model(files: ModelFiles, meant: Collection[str | None]) -> Iterator[Violation]:
    path = layout.model_file(files.folder)
    written = sorted(p for p in files.entries if place(p).kind not in GENERATED)
    if written and path not in files.entries and path not in meant:
        message = f"found no such file, expected the model that {written[0]} belongs to"
        yield Violation(path, START, message, f"write it, or remove apps/{files.folder}")


def _wrong_name(files: ModelFiles) -> Iterator[Violation]:
    if files.model is not None and files.model.name != files.folder and not is_taken(files):
        path, name = layout.model_file(files.folder), files.model.name
        at = files.documents[path].at("name")
        message = f"found the name {name} in the folder {files.folder}, expected them equal"
        yield Violation(path, at, message, f"write name: {files.folder}, or rename the folder")


def _unknown_environments(files: Files, environments: Environments) -> Iterator[Violation]:
    known = [environment.name for environment in environments.ordered]
    told = set(known)
    for path in sorted(files.entries) if known else ():
        name = place(path).environment
        if place(path).kind is Kind.SERVING and name not in told:
            told.add(name)
            yield _unknown_environment(path, name, known)


def _unknown_environment(path: str, name: str, known: list[str]) -> Violation:
    near = difflib.get_close_matches(name, known, n=1)
    message = f"found the environment {name}, expected one of {', '.join(known)}"
    hint = f"did you mean {near[0]}?" if near else f"add it to {layout.ENVIRONMENTS}"
    return Violation(path, START, message, hint)


def _repeated_environments(files: Repository) -> Iterator[Violation]:
    seen: set[str] = set()
    for index, environment in enumerate(files.environments.ordered):
        if environment.name in seen:
            at = files.documents[layout.ENVIRONMENTS].at("environments", index, "name")
            message = f"found the environment {environment.name} again, expected each once"
            yield Violation(layout.ENVIRONMENTS, at, message, "rename or remove it")
        seen.add(environment.name)
