"""The repository as one immutable value: what every rule, renderer and command reads.

What models share is there from the start; each model's files are loaded when they are asked for,
so that a command on one model of thousands costs one model.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from modelctl.finding import Finding, Violation
from modelctl.model.graph import MAX_GRAPH_BYTES, ArtifactFacts, too_large
from modelctl.repo import layout, mirrors, remembered
from modelctl.repo.documents import Document
from modelctl.repo.kinds import Environment, Environments, Model, Release, Serving, Teams
from modelctl.repo.tree import Entry, EntryKind, Tree


@dataclass(frozen=True, eq=False)
class Files:
    """Files of one state of the repository, as they are and as far as they can be read.

    A file with a fault of form has no typed value, but a document (positions) where it could be
    parsed. Equal only to itself, so that what follows from it can be computed once and kept.
    """

    entries: Mapping[str, Entry]  # by path, everything that is there
    contents: Mapping[str, bytes]  # by path, what people wrote
    documents: Mapping[str, Document]  # by path, what was parsed of it
    faults: tuple[Finding, ...]  # of form, each under the rule that explains it

    def faults_of(self, rule: str) -> Iterator[Violation]:
        """The faults of form that belong to a rule."""
        for fault in self.faults:
            if fault.rule == rule:
                yield Violation(fault.path, fault.position, fault.message, fault.remedy)

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """By path, what people wrote that is text."""
        texts = ((path, content) for path, content in self.contents.items() if b"\0" not in content)
        return {path: content.decode(errors="replace") for path, content in texts}


@dataclass(frozen=True, eq=False)
class ModelFiles(Files):
    """Everything that belongs to one model: its folder below `apps/`, and its Applications.

    `folder` is the folder's name, never the `name` field, so that a rule can compare the two.
    """

    folder: str
    repository: "Repository" = field(repr=False)
    model: Model | None
    releases: Mapping[str, Release]  # by name, oldest first
    servings: Mapping[str, Serving]  # by environment, in promotion order
    generated: Mapping[str, bytes]  # by path, every generated file as it is

    @property
    def environments(self) -> Environments:
        """The environments of the repository."""
        return self.repository.environments

    @property
    def served(self) -> Iterator[tuple[Environment, Serving]]:
        """Each environment that the model is served in, in promotion order."""
        for environment in self.environments.ordered:
            serving = self.servings.get(environment.name)
            if serving is not None:
                yield environment, serving

    @property
    def _uris(self) -> set[str]:
        models = {release.artifact.uri for release in self.releases.values()}
        return models | {r.golden.uri for r in self.releases.values() if r.golden}

    @property
    def artifact_paths(self) -> tuple[str, ...]:
        """The paths here that some environment reads a model file or a golden file from."""
        tables = [mirrors.table(environment) for environment in self.environments.ordered]
        return tuple(mirrors.read_paths(self._uris, tables))

    @cached_property
    def artifacts(self) -> Mapping[str, ArtifactFacts]:
        """By such path, the facts of the file there; the files are read when they are asked for."""
        found = ((path, self._facts(path)) for path in self.artifact_paths)
        return {path: facts for path, facts in found if facts is not None}

    def _facts(self, path: str) -> ArtifactFacts | None:
        tree = self.repository.tree
        entry = tree.entry(path)
        if entry is None or entry.kind is not EntryKind.FILE:
            return None
        if entry.size_bytes > MAX_GRAPH_BYTES:
            return too_large(path, entry.size_bytes)
        return remembered.facts(tree, path, entry)

    def artifacts_of(self, uri: str) -> Iterator[ArtifactFacts]:
        """The facts of the file at each path that some environment reads `uri` from."""
        tables = [mirrors.table(environment) for environment in self.environments.ordered]
        paths = mirrors.read_paths([uri], tables)
        yield from (self.artifacts[path] for path in paths if path in self.artifacts)
        if uri in self._stored:
            yield self._stored[uri]

    @cached_property
    def _stored(self) -> Mapping[str, ArtifactFacts]:
        """By URI, the facts of what lies in the laptop's store."""
        folder = self.repository.tree.git_folder
        found = ((uri, remembered.stored_facts(folder, uri)) for uri in self._uris if folder)
        return {uri: facts for uri, facts in found if facts is not None}


@dataclass(frozen=True, eq=False)
class Repository(Files):
    """What models share, and the way to each of them.

    `entries` and everything that follows from them leave out what belongs to one model.
    """

    tree: Tree
    environments: Environments
    generated: Mapping[str, bytes]  # by path, what is rendered for no model alone, as it is
    applications: Mapping[str, Mapping[str, Entry]]  # by model, then by path
    load_model: Callable[["Repository", str], ModelFiles] = field(repr=False)
    teams: Teams = field(default_factory=Teams)  # none while their file is absent or faulty

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """Every model that has any file, valid or not, or only an Application; sorted."""
        below = {name for name in self.tree.names(layout.APPS) if self._has_files(name)}
        return tuple(sorted(below.union(self.applications)))

    def _has_files(self, name: str) -> bool:
        """Whether a name below apps/ is a folder with any file in it."""
        if self.tree.entry(layout.model_file(name)) is not None:
            return True
        folder = layout.model_folder(name)
        return bool(self.tree.below(folder)) and self.tree.entry(folder) is None

    def model(self, folder: str) -> ModelFiles:
        """The files of a model; without any where it has none. Loaded anew at each call."""
        return self.load_model(self, folder)
