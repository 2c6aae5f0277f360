"""What changed since the commit before, and which findings that excuses.

A model whose rendered bytes in an environment are again those that main has had before has
returned, and no rule holds back a return: its errors become notes. Only an error about the bytes
themselves, such as a credential in them, stays one.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from modelctl.finding import Finding, Level
from modelctl.render import applied
from modelctl.render.applied import Applied
from modelctl.repo import git, git_objects, history, layout
from modelctl.repo.commit_tree import CommitTree
from modelctl.repo.documents import parse
from modelctl.repo.git import Commit
from modelctl.repo.identity import release_identity
from modelctl.repo.layout import GENERATED, ROOTS, Kind, Pair, place
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles, Repository
from modelctl.repo.tree import Tree

# These rules compare rendered bytes with typed files, and say nothing of the bytes themselves.
_OF_TYPED_FILES = frozenset({"rendered-current", "rendered-orphan", "rendered-nonempty"})
# Without these a file says nothing, or what is rendered is not what it says.
_OF_FORM = frozenset(
    {"yaml-strict", "schema-valid", "path-identity", "no-secret-material", *_OF_TYPED_FILES}
)
# To list and read one model of a commit costs as much as twenty of a thousand read at once.
_MANY = 20


@dataclass(frozen=True)
class Change:
    """From a commit to a tree: which files differ, and which models have returned."""

    root: Path
    base: str
    tree: Tree
    paths: frozenset[str]
    now: datetime = field(kw_only=True, default_factory=lambda: datetime.now(UTC))

    @cached_property
    def before(self) -> Repository:
        """The repository at the commit that the change is made to."""
        tree = CommitTree(self.root, self.base)
        if len(self.folders) > _MANY:
            _ = tree.entries  # all at once, instead of two git processes a model
        return load(tree)

    @cached_property
    def folders(self) -> frozenset[str]:
        """The models that the change touches."""
        return frozenset({place(path).model for path in self.paths} - {""})

    @cached_property
    def returned(self) -> Mapping[Pair, Commit]:
        """By model and environment that has returned, the commit whose bytes it is back at."""
        changed = (place(path) for path in self.paths)
        pairs = {where.pair for where in changed if where.kind in GENERATED} - {None}
        found = {pair: self._former(pair) for pair in sorted(filter(None, pairs))}
        return {pair: commit for pair, commit in found.items() if commit is not None}

    @cached_property
    def is_return(self) -> bool:
        """Whether the change does nothing but return models to former bytes."""
        return bool(self.returned) and all(self._is_part_of_a_return(path) for path in self.paths)

    def release_identities(self, folder: str, release: str) -> Collection[str]:
        """The identities that a release has had at the commits of main up to the base."""
        return history.release_identities(self.root, folder, release, self.base)

    def most_traffic(self, pair: Pair) -> Mapping[str, int]:
        """By identity of a release, the most weight it had in an environment up to the base."""
        if pair not in self._most_traffic:
            self._most_traffic[pair] = history.most_traffic(self.root, pair, self.base)
        return self._most_traffic[pair]

    @cached_property
    def _most_traffic(self) -> dict[Pair, Mapping[str, int]]:
        return {}

    def last_moved(self, pair: Pair) -> datetime | None:
        """When main last moved the traffic of a model in an environment; None for never."""
        return history.last_moved(self.root, pair, self.base)

    def earlier_contents(self, path: str) -> Collection[bytes]:
        """What main has had at a path before what it has now."""
        return history.earlier_contents(self.root, path, self.base)

    @cached_property
    def deleted(self) -> frozenset[str]:
        """The files that are gone which are no typed and no generated ones, artifacts above all."""
        after = self.tree.commit if isinstance(self.tree, CommitTree) else None
        gone = git_objects.deleted_paths(self.root, self.base, after)
        return frozenset(path for path in gone if path.partition("/")[0] not in ROOTS)

    @cached_property
    def restored(self) -> frozenset[str]:
        """The changed files that models share which are back at bytes that main has had before."""
        shared = (path for path in self.paths if not place(path).model)
        return frozenset(path for path in shared if self._is_restored(path))

    @cached_property
    def is_restoration(self) -> bool:
        """Whether all files of the change are back at what main has had before.

        What was accepted then may break a rule that has come since: it is where a revert leads.
        """
        if not any(self.tree.entry(path) for path in self.restored):
            return False  # files that are only gone say nothing of where they lead
        return all(map(self._is_part_of_a_return, self.paths - self.restored))

    def _is_restored(self, path: str) -> bool:
        if self.tree.entry(path) is None:
            return True  # it was not there before it came
        return self.tree.read(path) in self.earlier_contents(path)

    def excused(
        self, findings: Iterable[Finding], of_a_change: Collection[str] = ()
    ) -> list[Finding]:
        """The findings, sorted; an error that must not hold back a return is a note.

        `of_a_change` names the rules that compare with the state before.
        """
        return sorted(
            replace(finding, level=Level.NOTE)
            if self._is_excused(finding, finding.rule in of_a_change)
            else finding
            for finding in findings
        )

    def _is_excused(self, finding: Finding, is_of_a_change: bool) -> bool:  # noqa: FBT001 - of two
        if finding.level is not Level.ERROR:
            return False
        where = place(finding.path)
        is_back = where.pair in self.returned
        if is_back and is_about_applied_bytes(finding):
            return False
        if is_back or self.is_return:
            return True
        if finding.rule not in _OF_FORM and self.is_restoration:
            return True
        if not is_of_a_change:
            return False
        return finding.path in self.restored or self._is_return_of(where.model)

    def _is_return_of(self, model: str) -> bool:
        """Whether all that changes of a model is part of its return."""
        own = [path for path in self.paths if model and place(path).model == model]
        return bool(own) and all(map(self._is_part_of_a_return, own))

    def _is_part_of_a_return(self, path: str) -> bool:
        where = place(path)
        if where.pair is not None:
            return where.pair in self.returned
        is_typed = where.kind in (Kind.MODEL, Kind.RELEASE)
        return is_typed and any(where.model == model for model, _ in self.returned)

    def _former(self, pair: Pair) -> Commit | None:
        name = git_objects.blob_name(self.root)
        below = {
            path: name(self.tree.read(path))
            for folder in history.generated_paths_of(pair)
            for path in self.tree.below(folder)
        }
        return history.former(self.root, self.base, pair, below)


@dataclass(frozen=True)
class ModelChange:
    """One model before and after a change; without any file where it is absent."""

    of: Change
    before: ModelFiles
    after: ModelFiles
    find_refused: Callable[[ModelFiles], Collection[str]] = field(repr=False)

    @property
    def folder(self) -> str:
        """The folder of the model."""
        return self.after.folder

    @cached_property
    def refused_before(self) -> Collection[str]:
        """The files that had errors before: to mend them is always right."""
        return self.find_refused(self.before)

    @cached_property
    def applied_before(self) -> Mapping[str, Applied]:
        """By environment, what was applied of the model before the change."""
        found: dict[str, dict[str, bytes]] = {}
        for path, content in self.before.generated.items():
            if place(path).pair:
                found.setdefault(place(path).environment, {})[path] = content
        return {environment: applied.read(files) for environment, files in found.items()}

    def had_before(self, release: str) -> bool:
        """Whether main has had the release with the identity that it has now."""
        return self._identity(release) in self.of.release_identities(self.folder, release)

    def most_traffic(self, environment: str, release: str) -> int:
        """The most weight that a release of this identity has had in an environment."""
        most = self.of.most_traffic((self.folder, environment))
        return most.get(self._identity(release), 0)

    def has_said(self, path: str, *pointer: str) -> bool:
        """Whether a file said the same at a pointer as now at an earlier commit of main."""
        now = _value(self.after.contents.get(path, b""), pointer)
        return any(_value(each, pointer) == now for each in self.of.earlier_contents(path))

    def _identity(self, release: str) -> str:
        path = layout.release_file(self.folder, release)
        return release_identity(self.after.contents.get(path, b""))


@dataclass(frozen=True)
class FleetChange:
    """Everything before and after a change."""

    of: Change
    before: Repository
    after: Repository

    @cached_property
    def is_of_environments(self) -> bool:
        """Whether the list of environments changes, and is known before and after."""
        is_known = self.before.environments.ordered and self.after.environments.ordered
        return bool(is_known) and layout.ENVIRONMENTS in self.of.paths

    def served_before(self, environment: str) -> tuple[str, ...]:
        """The models that an environment served before."""
        return served_in(self.before, environment)


def served_in(repository: Repository, environment: str) -> tuple[str, ...]:
    """The models that have a serving file for an environment."""
    tree = repository.tree
    _ = tree.entries  # all at once, not model by model
    return tuple(
        folder
        for folder in repository.folders
        if tree.entry(layout.serving_file(folder, environment)) is not None
    )


def _value(content: bytes, pointer: Collection[str]) -> object:
    """What a file says at a pointer; None where it says nothing there."""
    document, _ = parse("", content)
    value = document.value if document is not None else None
    for key in pointer:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def is_about_applied_bytes(finding: Finding) -> bool:
    """Whether a finding is about rendered bytes themselves, not about what was typed for them."""
    return place(finding.path).kind in GENERATED and finding.rule not in _OF_TYPED_FILES


def change_of(root: Path, tree: Tree, *, base: str | None = None) -> Change | None:
    """What a tree changes; None where there is nothing to compare it with.

    A work tree with changes is compared with HEAD. A commit, or a work tree without changes, is
    compared with the first parent, so that a merge is compared with what it was merged into. With
    `base` either is compared with the last commit that it has in common with that revision.
    """
    if isinstance(tree, CommitTree):
        start = (
            _merge_base(root, base, tree.commit) if base else git.first_parent(root, tree.commit)
        )
        paths = git_objects.differing_paths(root, start, tree.commit, *ROOTS) if start else ()
        return Change(root, start, tree, frozenset(paths)) if start else None
    head = git.head(root)
    if not head:
        return None
    start = _merge_base(root, base, head) if base else head
    paths = git_objects.changed_paths(root, start, *ROOTS)
    if not paths and not base and not git_objects.deleted_paths(root, head, None):
        start = git.first_parent(root, head)
        paths = git_objects.differing_paths(root, start, head, *ROOTS) if start else ()
    return Change(root, start, tree, frozenset(paths)) if start else None


def _merge_base(root: Path, base: str, revision: str) -> str:
    return git.text(root, "merge-base", git.resolve(root, base), revision)
