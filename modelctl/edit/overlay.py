"""A tree as it would be after an edit, without touching the disk."""

from collections.abc import Mapping
from pathlib import Path

from modelctl.errors import TreeError
from modelctl.repo.layout import ROOTS
from modelctl.repo.tree import Entries, Entry, EntryKind, Tree, names_below

# What a path holds after an edit; None removes it.
Changes = Mapping[str, bytes | None]


class OverlayTree:
    """A tree with some files replaced, added or removed."""

    def __init__(self, base: Tree, changes: Changes) -> None:
        self._base = base
        self._changes = changes

    @property
    def git_folder(self) -> Path | None:
        """Where git keeps its own files for the base."""
        return self._base.git_folder

    @property
    def entries(self) -> Entries:
        """Every path below `apps/` and `argocd/`, sorted."""
        return self._changed(self._base.entries, *(f"{root}/" for root in ROOTS))

    def below(self, folder: str) -> Entries:
        """Every path below a folder, sorted; the folder itself where it is none."""
        return self._changed(self._base.below(folder), f"{folder}/")

    def names(self, folder: str) -> tuple[str, ...]:
        """The names directly below a folder, sorted."""
        before, start = self._base.names(folder), f"{folder}/"
        inside = {path: _entry(c) for path, c in self._changes.items() if c is not None}
        touched = {p[len(start) :].partition("/")[0] for p in self._changes if p.startswith(start)}
        kept = (name for name in before if name not in touched or self.below(f"{folder}/{name}"))
        return tuple(sorted({*kept, *names_below(inside, folder)}))

    def entry(self, path: str) -> Entry | None:
        """The entry at `path`, or None."""
        if path not in self._changes:
            return self._base.entry(path)
        content = self._changes[path]
        return None if content is None else _entry(content)

    def read(self, path: str) -> bytes:
        """The bytes of a regular file.

        Raises:
            TreeError: There is none, or the edit removes it.
        """
        if path not in self._changes:
            return self._base.read(path)
        content = self._changes[path]
        if content is None:
            raise TreeError(f"{path}: removed by this edit")
        return content

    def _changed(self, entries: Entries, *starts: str) -> Entries:
        kept = {path: entry for path, entry in entries.items() if path not in self._changes}
        added = {
            path: _entry(content)
            for path, content in self._changes.items()
            if content is not None and path.startswith(starts)
        }
        return dict(sorted((kept | added).items()))


def differing(tree: Tree, changes: Changes) -> Changes:
    """Those of the changes that a tree does not have already."""
    return {
        path: content
        for path, content in changes.items()
        if content != (tree.read(path) if tree.entry(path) is not None else None)
    }


def _entry(content: bytes) -> Entry:
    return Entry(EntryKind.FILE, len(content))
