"""What changed since the commit before, and which findings that excuses.

A model whose rendered bytes in an environment are again those that main has had before has
returned, and no rule holds back a return: its errors become notes. Only an error about the bytes
themselves, such as a credential in them, stays one.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from modelctl.finding import Finding, Level
from modelctl.render import applied
from modelctl.render.applied import Applied
from modelctl.repo import git, git_objects, history, layout
from modelctl.repo.commit_tree import CommitTree
from modelctl.repo.git import Commit
from modelctl.repo.identity import release_identity
from modelctl.repo.layout import GENERATED, ROOTS, Kind, Pair, place
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles, Repository
from modelctl.repo.tree import Tree

# These rules compare rendered bytes with typed files, and say nothing of the bytes themselves.
_OF_TYPED_FILES = frozenset({"rendered-current", "rendered-orphan", "rendered-nonempty"})
# To list and read one model of a commit costs as much as twenty of a thousand read at once.
_MANY = 20


@dataclass(frozen=True)
class Change:
    """From a commit to a tree: which files differ, and which models have returned."""

    root: Path
    base: str
    tree: Tree
    paths: frozenset[str]

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

    def excused(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings, sorted; an error that must not hold back a return is a note."""
        return sorted(
            replace(finding, level=Level.NOTE) if self._is_excused(finding) else finding
            for finding in findings
        )

    def _is_excused(self, finding: Finding) -> bool:
        if finding.level is not Level.ERROR:
            return False
        is_back = place(finding.path).pair in self.returned
        if is_back and is_about_applied_bytes(finding):
            return False
        return is_back or self.is_return

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

    def _identity(self, release: str) -> str:
        path = layout.release_file(self.folder, release)
        return release_identity(self.after.contents.get(path, b""))


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
    if not paths and not base:
        start = git.first_parent(root, head)
        paths = git_objects.differing_paths(root, start, head, *ROOTS) if start else ()
    return Change(root, start, tree, frozenset(paths)) if start else None


def _merge_base(root: Path, base: str, revision: str) -> str:
    return git.text(root, "merge-base", git.resolve(root, base), revision)
