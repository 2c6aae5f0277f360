"""From a tree of files to the repository's typed value, with every fault of form on the way."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from modelctl.finding import START, Finding
from modelctl.model.graph import MAX_GRAPH_BYTES, ArtifactFacts, artifact_facts, too_large
from modelctl.repo import documents, layout, mirrors, schema, typed
from modelctl.repo.documents import Document
from modelctl.repo.kinds import Environments, GitSource, Model, Release, Serving
from modelctl.repo.repository import Repository
from modelctl.repo.tree import Entry, EntryKind, Tree

_Value = TypeVar("_Value", Model, Release, Serving)
_MODEL = re.compile(r"apps/([^/]+)/model\.yaml")
_RELEASE = re.compile(r"apps/([^/]+)/releases/(r[1-9][0-9]*)\.yaml")
_SERVING = re.compile(r"apps/([^/]+)/envs/([^/]+)\.yaml")
_GENERATED = re.compile(r"apps/[^/]+/rendered/.+|argocd/applications/.+")
_PROJECT = re.compile(r"argocd/projects/[^/]+/[^/]+\.yaml")
_NO_ENVIRONMENTS = Environments(GitSource("", ""), ())


def load(tree: Tree) -> Repository:
    """The repository that a tree holds; files with faults of form leave findings, not values."""
    return _Loading(tree).repository()


@dataclass(slots=True)
class _Loading:
    """The state of one load: documents and faults found so far."""

    tree: Tree
    contents: dict[str, bytes] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    faults: list[Finding] = field(default_factory=list)

    def repository(self) -> Repository:
        for path, entry in self.tree.entries.items():
            self._read(path, entry)
        environments = self._environments()
        models = self._typed(_MODEL, "model", _model)
        releases = self._typed(_RELEASE, "release", _release)
        servings = self._typed(_SERVING, "serving", _serving)
        for path in self._paths(_PROJECT):
            self._document(path)
        return Repository(
            environments=environments,
            models={model.folder: model for model in models},
            releases={(release.folder, release.id): release for release in releases},
            servings={(serving.folder, serving.environment): serving for serving in servings},
            documents=self.documents,
            artifacts=dict(self._artifacts(releases, environments)),
            generated={path: self.contents[path] for path in self._paths(_GENERATED)},
            entries=self.tree.entries,
            faults=tuple(sorted(self.faults)),
            texts=dict(self._texts()),
        )

    def _read(self, path: str, entry: Entry) -> None:
        if entry.kind is not EntryKind.FILE:
            self.faults.append(_not_a_file(path, entry))
        elif entry.size_bytes <= documents.MAX_BYTES:
            self.contents[path] = self.tree.read(path)
        elif path.endswith(".yaml") or _GENERATED.fullmatch(path):
            self.faults.append(documents.too_large(path, entry.size_bytes))

    def _paths(self, pattern: re.Pattern[str]) -> Iterator[str]:
        return (path for path in self.contents if pattern.fullmatch(path))

    def _texts(self) -> Iterator[tuple[str, str]]:
        for path, content in self.contents.items():
            if b"\0" not in content and not _GENERATED.fullmatch(path):
                yield path, content.decode(errors="replace")

    def _document(self, path: str) -> Document | None:
        if path not in self.contents:
            return None
        document, faults = documents.parse(path, self.contents[path])
        self.faults += faults
        if document is not None:
            self.documents[path] = document
        return document

    def _valid(self, path: str, kind: str) -> dict[str, Any] | None:
        before = len(self.faults)
        document = self._document(path)
        if document is None:
            return None
        known = {fault.position for fault in self.faults[before:]}
        violations = schema.violations(kind, document)
        # `paused: no` is no boolean because it is ambiguous: one fault, told once.
        self.faults += [fault for fault in violations if fault.position not in known]
        if len(self.faults) > before:
            return None
        fields: dict[str, Any] = document.value  # type: ignore[assignment]  # by its schema
        return fields

    def _typed(
        self, pattern: re.Pattern[str], kind: str, build: Callable[[re.Match[str], Any], _Value]
    ) -> list[_Value]:
        values = []
        for path in self._paths(pattern):
            fields = self._valid(path, kind)
            match = pattern.fullmatch(path)
            if fields is not None and match is not None:
                values.append(build(match, fields))
        return values

    def _environments(self) -> Environments:
        if layout.ENVIRONMENTS not in self.tree.entries:
            message = "found no such file, expected the list of environments"
            remedy = "write it; schemas/README.md shows its fields"
            self.faults.append(Finding(layout.ENVIRONMENTS, START, schema.RULE, message, remedy))
            return _NO_ENVIRONMENTS
        fields = self._valid(layout.ENVIRONMENTS, "environments")
        return typed.environments(fields) if fields else _NO_ENVIRONMENTS

    def _artifacts(
        self, releases: list[Release], environments: Environments
    ) -> Iterator[tuple[str, ArtifactFacts]]:
        models = {release.artifact.uri for release in releases}
        goldens = {release.golden.uri for release in releases if release.golden}
        tables: list[Mapping[str, str]] = [e.artifact_mirrors for e in environments.ordered]
        for path in mirrors.read_paths(models | goldens, tables):
            entry = self.tree.entry(path)
            if entry is None or entry.kind is not EntryKind.FILE:
                continue
            if entry.size_bytes > MAX_GRAPH_BYTES:
                yield path, too_large(path, entry.size_bytes)
            else:
                yield path, artifact_facts(path, self.tree.read(path))


def _not_a_file(path: str, entry: Entry) -> Finding:
    message = f"found a {entry.kind}, expected a regular file"
    return Finding(path, START, documents.RULE, message, "replace it with the file itself")


def _model(match: re.Match[str], fields: typed.Fields) -> Model:
    return typed.model(match[1], fields)


def _release(match: re.Match[str], fields: typed.Fields) -> Release:
    return typed.release(match[1], match[2], fields)


def _serving(match: re.Match[str], fields: typed.Fields) -> Serving:
    return typed.serving(match[1], match[2], fields)
