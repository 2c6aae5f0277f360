"""A repository's files as they are: in the work tree, or at a commit.

Nothing here follows a symbolic link or reads past a bound; both come back as facts. What a sparse
checkout leaves out of the work tree is read from the index: not visible is not absent.
"""

import errno
import os
import stat
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from modelctl.errors import GitError, TreeError
from modelctl.repo import git
from modelctl.repo.layout import ROOTS

_SMALL_BYTES = 1 << 20  # blobs up to this size are fetched together: one git process reads all
# File modes in git's trees.
_SYMLINK_MODE = "120000"
_SUBMODULE_MODE = "160000"
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
_KINDS = {_SYMLINK_MODE: EntryKind.SYMLINK, _SUBMODULE_MODE: EntryKind.OTHER}


class Tree(Protocol):
    """Read-only access to the files of one state of a repository."""

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
        return None if stat.S_ISDIR(status.st_mode) else _entry(status)

    def read(self, path: str) -> bytes:
        """The bytes of a regular file; never through a symbolic link."""
        if path in self._hidden.entries:
            return self._hidden.read(path)
        if not self._lies_behind_a_link(path):
            try:
                with os.fdopen(os.open(f"{self.root}/{path}", _READ_A_FILE), "rb") as file:
                    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                        return file.read()
            except OSError as error:
                if error.errno not in _NO_FILE:
                    raise TreeError(f"{path}: cannot be read: {error.strerror}") from error
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
                    yield path, _entry(status)

    def _children(self, folder: str) -> list[tuple[str, os.stat_result]]:
        try:
            with os.scandir(f"{self.root}/{folder}") as children:
                return [(f"{folder}/{c.name}", c.stat(follow_symlinks=False)) for c in children]
        except OSError as error:
            raise TreeError(f"{folder}: cannot be listed: {error.strerror}") from error


def _entry(status: os.stat_result) -> Entry:
    if stat.S_ISLNK(status.st_mode):
        return Entry(EntryKind.SYMLINK, status.st_size)
    if not stat.S_ISREG(status.st_mode):
        return Entry(EntryKind.OTHER, status.st_size)
    seen = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return Entry(EntryKind.FILE, status.st_size, "stat:" + "-".join(map(str, seen)))


class _Hidden:
    """The files that a sparse checkout leaves out, read from the index by few git processes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        left_out = git.hidden(root)
        sizes = git.sizes(root, (blob for _, blob in left_out.values())) if left_out else {}
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
            small = {e.identity for e in files if e.size_bytes <= _SMALL_BYTES}
            wanted = {entry.identity} | (small - self._blobs.keys())
            self._blobs |= git.read_blobs(self._root, sorted(wanted))
        return self._blobs[entry.identity]


class CommitTree:
    """The files of a commit, read from git's objects; what is in the work tree does not matter."""

    def __init__(
        self, folder: Path, revision: str, *, blobs: dict[str, bytes] | None = None
    ) -> None:
        """Open a commit; `blobs` is a cache by blob hash that successive commits may share."""
        self.folder = folder
        self.commit = git.resolve(folder, revision)
        self._entries: Entries | None = None
        self._ordered: list[str] = []
        self._listed: dict[str, dict[str, Entry]] = {}
        self._blobs = {} if blobs is None else blobs

    @property
    def entries(self) -> Entries:
        """Every path below `apps/` and `argocd/`, sorted."""
        if self._entries is None:
            self._entries = self._list(*ROOTS)
            self._ordered = list(self._entries)
        return self._entries

    def below(self, folder: str) -> Entries:
        """Every path below a folder, sorted; the folder itself where it is none."""
        if self._entries is not None and folder.split("/", 1)[0] in ROOTS:
            return slice_below(self._entries, self._ordered, folder)
        if folder not in self._listed:
            self._listed[folder] = self._list(folder)
        return self._listed[folder]

    def names(self, folder: str) -> tuple[str, ...]:
        """The names directly below a folder, sorted."""
        if self._entries is not None and folder in ROOTS:
            return names_below(self._entries, folder)
        out = git.run(
            self.folder, "ls-tree", "-z", "--name-only", "--full-tree", self.commit, f"{folder}/"
        )
        paths = filter(None, out.decode(errors="surrogateescape").split("\0"))
        return tuple(sorted(path.rpartition("/")[2] for path in paths))

    def entry(self, path: str) -> Entry | None:
        """The entry at `path`, or None."""
        top, *_ = parts = path.split("/")
        if not {"", ".", ".."}.isdisjoint(parts):
            return None
        if top in ROOTS and self._entries is not None:
            return self._entries.get(path)
        for folder, listed in self._listed.items():
            if path.startswith(f"{folder}/"):
                return listed.get(path)
        return self.below(path).get(path)

    def read(self, path: str) -> bytes:
        """The bytes of a regular file of the commit."""
        entry = self.entry(path)
        if entry is None or entry.kind is not EntryKind.FILE:
            raise TreeError(f"{path}: not a regular file in commit {self.commit[:12]}")
        if entry.identity not in self._blobs:
            self._blobs |= self._fetch(entry)
        return self._blobs[entry.identity]

    def _fetch(self, entry: Entry) -> dict[str, bytes]:
        """The wanted blob and every other small one that is listed, by one git process."""
        listed = (self._entries or {}, *self._listed.values())
        files = (e for entries in listed for e in entries.values() if e.kind is EntryKind.FILE)
        small = {e.identity for e in files if e.size_bytes <= _SMALL_BYTES}
        return git.read_blobs(self.folder, sorted({entry.identity} | (small - self._blobs.keys())))

    def _list(self, *paths: str) -> dict[str, Entry]:
        out = git.run(
            self.folder, "ls-tree", "-r", "-l", "-z", "--full-tree", self.commit, "--", *paths
        )
        records = (line for line in out.decode(errors="surrogateescape").split("\0") if line)
        return dict(sorted(_record(record) for record in records))


def _record(line: str) -> tuple[str, Entry]:
    head, path = line.split("\t", 1)
    mode, _, identity, size = head.split()
    if mode == _SUBMODULE_MODE:
        return path, Entry(EntryKind.OTHER, 0, identity)
    if not size.isdigit():
        raise GitError(f"{path}: object {identity} is missing or damaged: run `git fsck`")
    if mode == _SYMLINK_MODE:
        return path, Entry(EntryKind.SYMLINK, int(size), identity)
    return path, Entry(EntryKind.FILE, int(size), identity)
