"""From a tree of files to the repository's typed value, with every fault of form on the way."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from modelctl import documents, layout, mirrors, schema, typed
from modelctl.documents import Document
from modelctl.finding import START, Finding
from modelctl.graph import MAX_GRAPH_BYTES, ArtifactFacts, artifact_facts
from modelctl.kinds import Environments, GitSource, Model, Release, Serving
from modelctl.repository import Repository
from modelctl.tree import Entry, EntryKind, Tree

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
    documents: dict[str, Document] = field(default_factory=dict)
    faults: list[Finding] = field(default_factory=list)

    def repository(self) -> Repository:
        entries = self.tree.entries
        self.faults += [_not_a_file(p, e) for p, e in entries.items() if e.kind != EntryKind.FILE]
        environments = self._environments()
        models = self._typed(_MODEL, "model", _model)
        releases = self._typed(_RELEASE, "release", _release)
        servings = self._typed(_SERVING, "serving", _serving)
        for path in self._files(_PROJECT):
            self._document(path)
        return Repository(
            environments=environments,
            models={model.folder: model for model in models},
            releases={(release.folder, release.id): release for release in releases},
            servings={(serving.folder, serving.environment): serving for serving in servings},
            documents=self.documents,
            artifacts=dict(self._artifacts(releases, environments)),
            generated={path: self.tree.read(path) for path in self._files(_GENERATED)},
            entries=entries,
            faults=tuple(sorted(self.faults)),
        )

    def _files(self, pattern: re.Pattern[str]) -> Iterator[str]:
        for path, entry in self.tree.entries.items():
            if entry.kind is EntryKind.FILE and pattern.fullmatch(path):
                yield path

    def _document(self, path: str) -> Document | None:
        entry = self.tree.entries[path]
        if entry.size_bytes > documents.MAX_BYTES:
            self.faults.append(documents.too_large(path, entry.size_bytes))
            return None
        document, faults = documents.parse(path, self.tree.read(path))
        self.faults += faults
        if document is not None:
            self.documents[path] = document
        return document

    def _valid(self, path: str, kind: str) -> dict[str, Any] | None:
        before = len(self.faults)
        document = self._document(path)
        if document is not None:
            self.faults += schema.violations(kind, document)
        if document is None or len(self.faults) > before:
            return None
        fields: dict[str, Any] = document.value  # type: ignore[assignment]  # by its schema
        return fields

    def _typed(
        self, pattern: re.Pattern[str], kind: str, build: Callable[[re.Match[str], Any], _Value]
    ) -> list[_Value]:
        values = []
        for path in self._files(pattern):
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
        tables: list[Mapping[str, str]] = [e.artifact_mirrors for e in environments.ordered]
        uris = {release.artifact.uri for release in releases}
        uris |= {release.golden.uri for release in releases if release.golden}
        for uri in sorted(uris):
            places = {mirrors.mirrored(uri, table) for table in (*tables, {})}
            for path in sorted(filter(None, map(mirrors.repository_path, places))):
                entry = self.tree.entry(path)
                if entry and entry.kind is EntryKind.FILE and entry.size_bytes <= MAX_GRAPH_BYTES:
                    yield uri, artifact_facts(path, self.tree.read(path))
                    break


def _not_a_file(path: str, entry: Entry) -> Finding:
    message = f"found a {entry.kind}, expected a regular file"
    return Finding(path, START, documents.RULE, message, "replace it with the file itself")


def _model(match: re.Match[str], fields: typed.Fields) -> Model:
    return typed.model(match[1], fields)


def _release(match: re.Match[str], fields: typed.Fields) -> Release:
    return typed.release(match[1], match[2], fields)


def _serving(match: re.Match[str], fields: typed.Fields) -> Serving:
    return typed.serving(match[1], match[2], fields)
