"""Loads a repository from a tree of files: typed values, and every fault of form on the way."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from modelctl.finding import START, Finding
from modelctl.repo import documents, layout, schema, typed
from modelctl.repo.documents import Document
from modelctl.repo.kinds import Environments, GitSource, Teams
from modelctl.repo.layout import GENERATED, Kind, place
from modelctl.repo.repository import ModelFiles, Repository
from modelctl.repo.tree import Entry, EntryKind, Tree

_NO_ENVIRONMENTS = Environments(GitSource("", ""), ())  # while their file is absent or faulty


def load(tree: Tree) -> Repository:
    """The repository that a tree holds; files with faults of form leave findings, not values."""
    entries = _shared(tree)
    applications: dict[str, dict[str, Entry]] = {}
    shared: dict[str, Entry] = {}
    for path, entry in entries.items():
        model = place(path).model
        (applications.setdefault(model, {}) if model else shared)[path] = entry
    reader = _Reader(tree)
    reader.read(shared)
    environments = _environments(reader)
    teams = reader.fields(layout.TEAMS, Kind.TEAMS)
    for path in reader.paths(Kind.PLATFORM):
        reader.document(path)
    generated = {p: c for p, c in reader.contents.items() if place(p).kind in GENERATED}
    return Repository(
        entries=shared,
        contents={p: c for p, c in reader.contents.items() if p not in generated},
        documents=reader.documents,
        faults=tuple(sorted(reader.faults)),
        tree=tree,
        environments=environments,
        teams=typed.teams(teams) if teams else Teams(),
        generated=generated,
        applications=applications,
        load_model=load_model,
    )


def load_model(repository: Repository, folder: str) -> ModelFiles:
    """The files of one model, read from the repository's tree."""
    reader = _Reader(repository.tree)
    below = repository.tree.below(layout.model_folder(folder))
    entries = {**below, **repository.applications.get(folder, {})}
    reader.read(entries)
    models = [typed.model(folder, fields) for _, fields in reader.valid(Kind.MODEL)]
    releases = [
        typed.release(folder, place(path).release, fields)
        for path, fields in reader.valid(Kind.RELEASE)
    ]
    servings = [
        typed.serving(folder, place(path).environment, fields)
        for path, fields in reader.valid(Kind.SERVING)
    ]
    releases.sort(key=lambda release: layout.release_number(release.id))
    order = [environment.name for environment in repository.environments.ordered]
    servings.sort(key=lambda serving: _rank(serving.environment, order))
    generated = {p: c for p, c in reader.contents.items() if place(p).kind in GENERATED}
    return ModelFiles(
        entries=entries,
        contents={p: c for p, c in reader.contents.items() if p not in generated},
        documents=reader.documents,
        faults=tuple(sorted(reader.faults)),
        folder=folder,
        repository=repository,
        model=models[0] if models else None,
        releases={release.id: release for release in releases},
        servings={serving.environment: serving for serving in servings},
        generated=generated,
    )


def _shared(tree: Tree) -> Mapping[str, Entry]:
    """What lies below argocd/, and directly below apps/."""
    lone = (f"{layout.APPS}/{name}" for name in tree.names(layout.APPS))
    found = {path: entry for path in (layout.APPS, *lone) if (entry := tree.entry(path))}
    return found | dict(tree.below(layout.ARGOCD))


def _rank(environment: str, order: Sequence[str]) -> tuple[int, str]:
    """Promotion order, and behind it by name what is no environment."""
    return (order.index(environment) if environment in order else len(order)), environment


@dataclass(slots=True)
class _Reader:
    """Reads files: their bytes, documents and faults found so far."""

    tree: Tree
    contents: dict[str, bytes] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    faults: list[Finding] = field(default_factory=list)

    def read(self, entries: Mapping[str, Entry]) -> None:
        """Read every file that is small enough; note what is no file, or too large."""
        for path, entry in entries.items():
            if entry.kind is not EntryKind.FILE:
                self.faults.append(_not_a_file(path, entry))
            elif entry.size_bytes <= documents.MAX_BYTES:
                self.contents[path] = self.tree.read(path)
            elif path.endswith(".yaml") or place(path).kind in GENERATED:
                self.faults.append(documents.too_large(path, entry.size_bytes))

    def paths(self, kind: Kind) -> Iterator[str]:
        """The paths of a kind that were read."""
        return (path for path in self.contents if place(path).kind is kind)

    def document(self, path: str) -> Document | None:
        """The parsed file, noted with its faults; None where it was not read or means nothing."""
        if path not in self.contents:
            return None
        document, faults = documents.parse(path, self.contents[path])
        self.faults += faults
        if document is not None:
            self.documents[path] = document
        return document

    def valid(self, kind: Kind) -> Iterator[tuple[str, dict[str, Any]]]:
        """Path and fields of each file of a kind that has no fault of form."""
        for path in self.paths(kind):
            fields = self.fields(path, kind)
            if fields is not None:
                yield path, fields

    def fields(self, path: str, kind: Kind) -> dict[str, Any] | None:
        """The fields of a file, where its schema holds and nothing is doubtful."""
        known_clean = _clean(kind, self.contents[path]) if path in self.contents else None
        if known_clean is not None:
            self.documents[path] = replace(known_clean, path=path)
            clean: dict[str, Any] = known_clean.value  # type: ignore[assignment]  # by its schema
            return clean
        before = len(self.faults)
        document = self.document(path)
        if document is None:
            return None
        known = {fault.position for fault in self.faults[before:]}
        violations = schema.violations(kind.value, document)
        # `paused: no` is no boolean because it is ambiguous: one fault, told once.
        self.faults += [fault for fault in violations if fault.position not in known]
        if len(self.faults) > before:
            return None
        fields: dict[str, Any] = document.value  # type: ignore[assignment]  # by its schema
        return fields


@lru_cache(maxsize=256)  # models of one kind often have the same serving file, to the byte
def _clean(kind: Kind, content: bytes) -> Document | None:
    """The document of a file without any fault of form; None where there is one."""
    document, faults = documents.parse("", content)
    if document is None or faults or schema.violations(kind.value, document):
        return None
    return document


def _environments(reader: _Reader) -> Environments:
    path = layout.ENVIRONMENTS
    if path not in reader.contents and not any(fault.path == path for fault in reader.faults):
        message = "found no such file, expected the list of environments"
        remedy = "write it; schemas/README.md shows its fields"
        reader.faults.append(Finding(path, START, schema.RULE, message, remedy))
        return _NO_ENVIRONMENTS
    fields = reader.fields(path, Kind.ENVIRONMENTS)
    return typed.environments(fields) if fields else _NO_ENVIRONMENTS


def _not_a_file(path: str, entry: Entry) -> Finding:
    message = f"found a {entry.kind}, expected a regular file"
    return Finding(path, START, documents.RULE, message, "replace it with the file itself")
