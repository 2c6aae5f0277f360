"""Fixture repositories in memory: one valid base, and folders that change files of it.

A folder with a `before/` in it is a change: from the base with what lies there to the base with
what lies beside it. Where it begins at the base itself, `before/` has an empty `deleted.txt`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from modelctl.check.change import Change
from modelctl.errors import TreeError
from modelctl.render import drift, generated
from modelctl.repo.git import Commit
from modelctl.repo.layout import Pair
from modelctl.repo.loading import load
from modelctl.repo.repository import Repository
from modelctl.repo.tree import Entry, EntryKind, names_below, slice_below

RULES_TESTS = Path(__file__).parent / "modelctl" / "check" / "rules"
BASE = RULES_TESTS / "base"
BEFORE = "before"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)  # of every change


@dataclass(frozen=True)
class MemoryTree:
    """A tree of files that exist only here."""

    files: Mapping[str, bytes]
    git_folder: Path | None = None

    @property
    def entries(self) -> Mapping[str, Entry]:
        """Every path below `apps/` and `argocd/`, sorted."""
        below = (path for path in self.files if path.startswith(("apps/", "argocd/")))
        return {path: self._entry(path) for path in sorted(below)}

    def below(self, folder: str) -> Mapping[str, Entry]:
        """Every path below a folder; the folder itself where it is none."""
        everything = {path: self._entry(path) for path in sorted(self.files)}
        return slice_below(everything, list(everything), folder)

    def names(self, folder: str) -> tuple[str, ...]:
        """The names directly below a folder."""
        return names_below({path: self._entry(path) for path in sorted(self.files)}, folder)

    def entry(self, path: str) -> Entry | None:
        """The entry at `path`, or None."""
        return self._entry(path) if path in self.files else None

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        if path not in self.files:
            raise TreeError(f"{path}: no such file")
        return self.files[path]

    def _entry(self, path: str) -> Entry:
        return Entry(EntryKind.FILE, len(self.files[path]))


@dataclass(frozen=True)
class MemoryChange(Change):
    """A change from one tree to another that exist only here; main has had nothing before."""

    earlier: MemoryTree

    @cached_property
    def before(self) -> Repository:
        """The repository before the change."""
        return load(self.earlier)

    @cached_property
    def returned(self) -> Mapping[Pair, Commit]:
        """Nothing is back at anything."""
        return {}

    def release_identities(self, folder: str, release: str) -> Collection[str]:
        """What a release file has come down to: nothing yet."""
        del folder, release
        return ()

    def last_moved(self, pair: Pair) -> datetime | None:
        """When traffic was last moved: half an hour before."""
        del pair
        return NOW - timedelta(minutes=30)

    def earlier_contents(self, path: str) -> Collection[bytes]:
        """What a file said before: nothing else yet."""
        del path
        return ()

    @cached_property
    def deleted(self) -> frozenset[str]:
        """The files outside of the typed ones that are gone."""
        gone = self.earlier.files.keys() - self.tree.files.keys()  # type: ignore[attr-defined]
        return frozenset(path for path in gone if not path.startswith(("apps/", "argocd/")))

    def most_traffic(self, pair: Pair) -> Mapping[str, int]:
        """The most weight of each release: none yet."""
        del pair
        return {}


def memory_change(before: MemoryTree, after: MemoryTree) -> MemoryChange:
    """The change from one tree to another."""
    paths = {
        path
        for path in {*before.files, *after.files}
        if before.files.get(path) != after.files.get(path)
    }
    return MemoryChange(Path(), "", after, frozenset(paths), before, now=NOW)


def case_tree(case: Path) -> MemoryTree:
    """The base with one fixture folder laid over it, rendered where the folder does not say.

    `deleted.txt` in the folder lists paths, or folders ending in a slash, that are removed last;
    `padded.txt` lists paths with the number of bytes to which spaces make them.
    """
    own = {path: c for path, c in _files(case).items() if not path.startswith(f"{BEFORE}/")}
    deleted = tuple(own.pop("deleted.txt", b"").decode().split())
    own.pop("expected.txt", None)
    padded = own.pop("padded.txt", b"").decode()
    typed = _without(_files(BASE) | own, deleted)
    for path, size in (line.split() for line in padded.splitlines()):
        typed[path] = typed[path].ljust(int(size))
    repository = load(MemoryTree(typed))
    rendered = {
        path: text.encode()
        for folder in repository.folders
        for path, text in generated(repository.model(folder)).items()
    }
    rendered |= drift.expected_shared(repository)
    return MemoryTree(_without(rendered, deleted) | typed)


def _without(files: Mapping[str, bytes], deleted: tuple[str, ...]) -> dict[str, bytes]:
    folders = tuple(path for path in deleted if path.endswith("/"))
    return {
        path: content
        for path, content in files.items()
        if path not in deleted and not (folders and path.startswith(folders))
    }


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
