"""The objects that people write for Argo CD: each with its file, and with what reads it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from modelctl.finding import Pointer, Violation
from modelctl.render.loose import mappings, value
from modelctl.repo import layout
from modelctl.repo.documents import Document
from modelctl.repo.kinds import Environment
from modelctl.repo.layout import Kind, place
from modelctl.repo.repository import Files, Repository

GROUP = "argoproj.io"
# What reads an object: the root Application, the one of the site's folder, one that people wrote,
# or the role that installs Argo CD.
ROOT, SITE, OTHER, SETTINGS = "root", layout.SITE, "other", "settings"


@dataclass(frozen=True, slots=True)
class Written:
    """One object that people wrote; fields are empty where the file has nothing of the kind."""

    document: Document
    environment: str  # empty for the settings of all
    reader: str  # one of the four above
    value: Mapping[str, Any]

    @property
    def path(self) -> str:
        """The path of its file."""
        return self.document.path

    @property
    def kind(self) -> str:
        """Its kind."""
        return _text(self.value, "kind")

    @property
    def group(self) -> str:
        """The group of its kind; empty for the core."""
        group, slash, _ = _text(self.value, "apiVersion").rpartition("/")
        return group if slash else ""

    @property
    def name(self) -> str:
        """Its name."""
        return _text(self.value, "metadata", "name")

    @property
    def namespace(self) -> str:
        """The namespace that it names."""
        return _text(self.value, "metadata", "namespace")

    @property
    def is_application(self) -> bool:
        """Whether Argo CD takes it for an Application, as far as can be told."""
        return self.kind == "Application" and self.group in ("", GROUP)

    @property
    def is_project(self) -> bool:
        """Whether Argo CD takes it for a project, as far as can be told."""
        return self.kind == "AppProject" and self.group in ("", GROUP)

    def violation(self, *at: str | int, message: str, remedy: str) -> Violation:
        """A violation at a value of the object, or at the nearest thing around it."""
        return Violation(self.path, self.document.at(*at), message, remedy)

    def violation_at_key(self, *at: str | int, message: str, remedy: str) -> Violation:
        """A violation at the key of a value."""
        return Violation(self.path, self.document.at_key(*at), message, remedy)

    def sources(self) -> Iterator[tuple[Pointer, Mapping[str, Any]]]:
        """The sources of an Application, each with its place."""
        spec = value(self.value, "spec")
        one = value(spec, "source")
        if isinstance(one, Mapping):
            yield ("spec", "source"), one
        several = value(spec, "sources")
        for index, each in enumerate(several if isinstance(several, list) else ()):
            if isinstance(each, Mapping):
                yield ("spec", "sources", index), each


def written(files: Files) -> tuple[Written, ...]:
    """Every such object, by path; none of a file that cannot be read."""
    return _written(files) if isinstance(files, Repository) else ()


def applications(files: Files) -> Iterator[Written]:
    """The Applications among them."""
    return (each for each in written(files) if each.is_application)


def synced(files: Repository, name: str) -> Environment | None:
    """The environment of a name, where Argo CD syncs it."""
    environment = files.environments.get(name)
    return environment if environment and environment.engine == "argocd" else None


def folders_read(files: Repository) -> frozenset[str]:
    """The folders of this repository that Applications written by hand name as their sources."""
    return frozenset(
        str(source.get("path", "")).strip("/")
        for document in files.documents.values()
        if place(document.path).kind is Kind.PLATFORM
        for source in _sources(document.value)
    )


def everything(found: object, at: Pointer = ()) -> Iterator[tuple[Pointer, object]]:
    """Every value in a value, with its place; containers before what they hold."""
    yield at, found
    if isinstance(found, Mapping):
        for key, item in found.items():
            yield from everything(item, (*at, key))
    elif isinstance(found, list):
        for index, item in enumerate(found):
            yield from everything(item, (*at, index))


@lru_cache(maxsize=4)
def _written(files: Repository) -> tuple[Written, ...]:
    read = folders_read(files)
    return tuple(
        Written(document, place(path).environment, reader, document.value)
        for path, document in sorted(files.documents.items())
        if (reader := reader_of(path, read)) and isinstance(document.value, Mapping)
        if reader != OTHER or _is_an_object(document.value)
    )


def _is_an_object(found: Mapping[str, Any]) -> bool:
    """Whether a file of a folder that people chose is meant as one: charts have others."""
    return "kind" in found and found["kind"] != "Kustomization"


def reader_of(path: str, read: frozenset[str]) -> str:
    """What reads a file that people write as an object; empty for nothing."""
    if place(path).kind is not Kind.PLATFORM:
        return ""
    folder = path.rpartition("/")[0]
    if folder == layout.SETTINGS:
        return SETTINGS
    home = f"{layout.PLATFORM}/{place(path).environment}"
    if not place(path).environment or not f"{folder}/".startswith(f"{home}/"):
        return ""
    if folder == home:
        return ROOT
    return SITE if folder == f"{home}/{layout.SITE}" else OTHER * (folder in read)


def _sources(found: object) -> Iterator[Mapping[str, Any]]:
    one = value(found, "spec", "source")
    if isinstance(one, Mapping):
        yield one
    yield from mappings(found, "spec", "sources")


def _text(found: object, *keys: str) -> str:
    text = value(found, *keys)
    return text if isinstance(text, str) else ""
