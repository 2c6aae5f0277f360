"""A repository's files as they are: what any tree of them offers, and the one on disk.

Nothing here follows a symbolic link or reads past a bound; both come back as facts. What a sparse
checkout leaves out of the work tree is read from the index: not visible is not absent.
"""

import errno
import os
import stat
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Protocol

from modelctl.errors import GitError, TreeError
from modelctl.repo import git, git_objects
from modelctl.repo.layout import ROOTS

SMALL_BYTES = 1 << 20  # blobs up to this size are fetched together: one git process reads all
# File modes in git's trees.
SYMLINK_MODE = "120000"
SUBMODULE_MODE = "160000"
_SEEN = "stat:"  # begins the identity of a file on disk
_RACY_NS = 2_000_000_000  # the coarsest clock of a file system ticks every two seconds
# A file that turns into a link or a pipe after it was looked at must not be followed or block.
_READ_A_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
# What opening says of a path that is absent, a link, a folder, a socket or below a file.
_NO_FILE = frozenset({errno.ENOENT, errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.ENOTDIR})


class EntryKind(StrEnum):
    """What is at a path; only a regular file is ever read."""

    FILE = "file"
    SYMLINK = "symbolic link"
    OTHER = "special file"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a tree.

    `identity` is the same only for the same bytes: the blob's hash where git has one, else what
    the file system says of the file; empty where nothing is known.
    """

    kind: EntryKind
    size_bytes: int
    identity: str = ""


Entries = Mapping[str, Entry]
_KINDS = {SYMLINK_MODE: EntryKind.SYMLINK, SUBMODULE_MODE: EntryKind.OTHER}


class Tree(Protocol):
    """Read-only access to the files of one state of a repository."""

    @property
    def git_folder(self) -> Path | None:
        """Where git keeps its own files, for all work trees; None where there is no git."""

    @property
    def entries(self) -> Entries:
        """Every path below `apps/` and `argocd/`, sorted."""

    def below(self, folder: str) -> Entries:
        """Every path below a folder, sorted; the folder itself where it is none."""

    def names(self, folder: str) -> tuple[str, ...]:
        """The names directly below a folder, sorted."""

    def entry(self, path: str) -> Entry | None:
        """The entry at any path of the tree, or None; no part of the path may be a link."""

    def read(self, path: str) -> bytes:
        """The bytes of a regular file.

        Raises:
            TreeError: There is no regular file at the path, or it cannot be read.
            GitError: Git cannot give its bytes.
        """


def is_at_rest(entry: Entry) -> bool:
    """Whether any later change of the bytes will give the entry another identity.

    A file that was changed just now may be changed again before the file system's clock ticks, and
    then looks the same.
    """
    _, is_of_a_file, seen = entry.identity.partition(_SEEN)
    changed_ns = int(seen.rpartition("-")[2]) if is_of_a_file else 0
    return time.time_ns() - changed_ns > _RACY_NS


def slice_below(entries: Entries, ordered: list[str], folder: str) -> Entries:
    """The entries at or below a folder, found by bisection in their sorted paths."""
    inside = f"{folder}/"
    found = {folder: entries[folder]} if folder in entries else {}
    at = bisect_left(ordered, inside)
    while at < len(ordered) and ordered[at].startswith(inside):
        found[ordered[at]] = entries[ordered[at]]
        at += 1
    return found


def names_below(entries: Entries, folder: str) -> tuple[str, ...]:
    """The names directly below a folder, from the paths of all files."""
    start = len(folder) + 1
    inside = (path[start:] for path in entries if path.startswith(f"{folder}/"))
    return tuple(sorted({path.partition("/")[0] for path in inside}))


class WorkTree:
    """The files on disk below `root`, dirty or not, and what a sparse checkout hides of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._hidden = _Hidden(root)
        self._entries: Entries | None = None
        self._ordered: list[str] = []
        self._real: set[str] = set()  # folders that no link leads to

    @cached_property
    def git_folder(self) -> Path | None:
        """Where git keeps its own files, for all work trees; None where there is no git."""
        try:
            return git.shared_folder(self.root)
        except GitError:
            return None

    @property
    def entries(self) -> Entries:
        """Every path below `apps/` and `argocd/`, sorted."""
        if self._entries is None:
            found = {path: entry for root in ROOTS for path, entry in self.below(root).items()}
            self._entries, self._ordered = found, list(found)
        return self._entries

    def below(self, folder: str) -> Entries:
        """Every path below a folder, sorted; the folder itself where it is none."""
        if self._entries is not None and folder.partition("/")[0] in ROOTS:
            return slice_below(self._entries, self._ordered, folder)
        return dict(sorted({**self._hidden.below(folder), **dict(self._scan(folder))}.items()))

    def names(self, folder: str) -> tuple[str, ...]:
        """The names directly below a folder, sorted."""
        hidden = names_below(self._hidden.entries, folder)
        place = self.root / folder
        if self._lies_behind_a_link(folder) or place.is_symlink() or not place.is_dir():
            return hidden
        listed = (path.rpartition("/")[2] for path, _ in self._children(folder))
        return tuple(sorted({*listed, *hidden}))

    def entry(self, path: str) -> Entry | None:
        """The entry at `path`, or None."""
        if path in self._hidden.entries:
            return self._hidden.entries[path]
        if self._lies_behind_a_link(path):
            return None
        try:
            status = (self.root / path).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise TreeError(f"{path}: cannot be looked at: {error.strerror}") from error
        return None if stat.S_ISDIR(status.st_mode) else entry_of(status)

    def read(self, path: str) -> bytes:
        """The bytes of a regular file; never through a symbolic link."""
        if path in self._hidden.entries:
            return self._hidden.read(path)
        if not self._lies_behind_a_link(path):
            try:
                content = _content(f"{self.root}/{path}")
            except OSError as error:
                if error.errno not in _NO_FILE:
                    raise TreeError(f"{path}: cannot be read: {error.strerror}") from error
            else:
                if content is not None:
                    return content
        raise TreeError(f"{path}: not a regular file in {self.root}")

    def _lies_behind_a_link(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        if name in ("", ".", "..") or path.startswith("/"):
            return True
        if not folder or folder in self._real:
            return False
        if self._lies_behind_a_link(folder) or (self.root / folder).is_symlink():
            return True
        self._real.add(folder)
        return False

    def _scan(self, top: str) -> Iterator[tuple[str, Entry]]:
        entry = self.entry(top)
        if entry is not None:
            yield top, entry
        is_folder = entry is None and not self._lies_behind_a_link(top)
        pending = [top] if is_folder and (self.root / top).is_dir() else []
        while pending:
            folder = pending.pop()
            for path, status in self._children(folder):
                if stat.S_ISDIR(status.st_mode):
                    pending.append(path)
                else:
                    yield path, entry_of(status)

    def _children(self, folder: str) -> list[tuple[str, os.stat_result]]:
        try:
            with os.scandir(f"{self.root}/{folder}") as children:
                return [(f"{folder}/{c.name}", c.stat(follow_symlinks=False)) for c in children]
        except OSError as error:
            raise TreeError(f"{folder}: cannot be listed: {error.strerror}") from error


def _content(place: str) -> bytes | None:
    """The bytes of a regular file, None of anything else; no file object, which costs more."""
    descriptor = os.open(place, _READ_A_FILE)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        content = os.read(descriptor, status.st_size + 1)
        if len(content) == status.st_size:
            return content  # whole: to ask for more would be one call in five of a whole check
        parts = [content]
        while part := os.read(descriptor, status.st_size + 1):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def entry_of(status: os.stat_result) -> Entry:
    """What the file system says of a path."""
    if stat.S_ISLNK(status.st_mode):
        return Entry(EntryKind.SYMLINK, status.st_size)
    if not stat.S_ISREG(status.st_mode):
        return Entry(EntryKind.OTHER, status.st_size)
    which, size = f"{status.st_dev}-{status.st_ino}", status.st_size
    return Entry(
        EntryKind.FILE, size, f"{_SEEN}{which}-{size}-{status.st_mtime_ns}-{status.st_ctime_ns}"
    )


class _Hidden:
    """The files that a sparse checkout leaves out, read from the index by few git processes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        left_out = git_objects.hidden(root)
        sizes = git_objects.sizes(root, (blob for _, blob in left_out.values())) if left_out else {}
        self.entries: Entries = {
            path: Entry(_KINDS.get(mode, EntryKind.FILE), sizes[blob], blob)
            for path, (mode, blob) in left_out.items()
        }
        self._blobs: dict[str, bytes] = {}

    def below(self, folder: str) -> Entries:
        """Every one at or below a folder."""
        if not self.entries:
            return {}
        return slice_below(self.entries, sorted(self.entries), folder)

    def read(self, path: str) -> bytes:
        """The bytes of one; the other small ones come along."""
        entry = self.entries[path]
        if entry.kind is not EntryKind.FILE:
            raise TreeError(f"{path}: not a regular file in {self._root}")
        if entry.identity not in self._blobs:
            files = (e for e in self.entries.values() if e.kind is EntryKind.FILE)
            small = {e.identity for e in files if e.size_bytes <= SMALL_BYTES}
            wanted = {entry.identity} | (small - self._blobs.keys())
            self._blobs |= git_objects.read_blobs(self._root, sorted(wanted))
        return self._blobs[entry.identity]
