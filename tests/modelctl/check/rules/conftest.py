"""Fixture repositories: one valid base, and folders that replace, add or remove files of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelctl.errors import TreeError
from modelctl.render import generated
from modelctl.repo.loading import load
from modelctl.repo.tree import Entry, EntryKind, names_below, slice_below

RULES_TESTS = Path(__file__).parent
BASE = RULES_TESTS / "base"


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
        return slice_below(self.entries, list(self.entries), folder)

    def names(self, folder: str) -> tuple[str, ...]:
        """The names directly below a folder."""
        return names_below(self.entries, folder)

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


@pytest.fixture(scope="session")
def fixture_tree() -> Callable[[str], MemoryTree]:
    """The tree of a fixture by its folder, such as `weights-sum-100/invalid`, or `base`."""
    return lambda case: case_tree(RULES_TESTS / case)


def case_tree(case: Path) -> MemoryTree:
    """The base with one fixture folder laid over it, rendered where the folder does not say.

    `deleted.txt` in the folder lists paths, or folders ending in a slash, that are removed last.
    """
    own = _files(case)
    deleted = tuple(own.pop("deleted.txt", b"").decode().split())
    own.pop("expected.txt", None)
    typed = _without(_files(BASE) | own, deleted)
    repository = load(MemoryTree(typed))
    rendered = {
        path: text.encode()
        for folder in repository.folders
        for path, text in generated(repository.model(folder)).items()
    }
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
