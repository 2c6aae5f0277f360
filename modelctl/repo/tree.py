"""A repository's files as they are: in the work tree, or at a commit.

Nothing here follows a symbolic link or reads past a bound; both come back as facts.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from modelctl.errors import GitError, TreeError
from modelctl.repo import git

_ROOTS = ("apps", "argocd")
_SMALL_BYTES = 1 << 20
_SYMLINK_MODE = "120000"
_SUBMODULE_MODE = "160000"
# A file that turns into a link or a pipe after it was looked at must not be followed or block.
_READ_A_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


class EntryKind(StrEnum):
    """What a path is; only a regular file is ever read."""

    FILE = "file"
    SYMLINK = "symbolic link"
    OTHER = "special file"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a tree; `identity` is the blob hash at a commit, empty in a work tree."""

    kind: EntryKind
    size_bytes: int
    identity: str = ""


class Tree(Protocol):
    """Read-only access to the files of one state of a repository."""

    @property
    def entries(self) -> Mapping[str, Entry]:
        """Every path below `apps/` and `argocd/`, sorted."""

    def entry(self, path: str) -> Entry | None:
        """The entry at any path of the tree, or None; no part of the path may be a link."""

    def read(self, path: str) -> bytes:
        """The bytes of a regular file; TreeError if there is none."""


class WorkTree:
    """The files on disk below `root`, dirty or not."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._entries = dict(sorted(self._scan()))

    @property
    def entries(self) -> Mapping[str, Entry]:
        """Every path below `apps/` and `argocd/`, sorted."""
        return self._entries

    def entry(self, path: str) -> Entry | None:
        """The entry at `path`, or None."""
        current = self.root
        for part in path.split("/"):
            if part in ("", ".", "..") or (current != self.root and current.is_symlink()):
                return None
            current /= part
        try:
            status = current.lstat()
        except OSError:
            return None
        return None if stat.S_ISDIR(status.st_mode) else _entry(status)

    def read(self, path: str) -> bytes:
        """The bytes of a regular file; never through a symbolic link."""
        entry = self.entry(path)
        if entry is None or entry.kind is not EntryKind.FILE:
            raise TreeError(f"{path}: not a regular file in {self.root}")
        try:
            with os.fdopen(os.open(self.root / path, _READ_A_FILE), "rb") as file:
                return file.read()
        except OSError as error:
            raise TreeError(f"{path}: cannot be read: {error.strerror}") from error

    def _scan(self) -> Iterator[tuple[str, Entry]]:
        pending = []
        for root in _ROOTS:
            top = self.entry(root)
            if top is not None:
                yield root, top
            elif (self.root / root).is_dir():
                pending.append(root)
        while pending:
            folder = pending.pop()
            for path, status in self._children(folder):
                if stat.S_ISDIR(status.st_mode):
                    pending.append(path)
                else:
                    yield path, _entry(status)

    def _children(self, folder: str) -> list[tuple[str, os.stat_result]]:
        try:
            with os.scandir(self.root / folder) as children:
                return [(f"{folder}/{c.name}", c.stat(follow_symlinks=False)) for c in children]
        except OSError as error:
            raise TreeError(f"{folder}: cannot be listed: {error.strerror}") from error


def _entry(status: os.stat_result) -> Entry:
    if stat.S_ISLNK(status.st_mode):
        return Entry(EntryKind.SYMLINK, status.st_size)
    kind = EntryKind.FILE if stat.S_ISREG(status.st_mode) else EntryKind.OTHER
    return Entry(kind, status.st_size)


class CommitTree:
    """The files of a commit, straight from git's objects; the work tree is not looked at."""

    def __init__(
        self, folder: Path, revision: str, *, blobs: dict[str, bytes] | None = None
    ) -> None:
        """Open a commit; `blobs` is a cache by blob hash that successive commits may share."""
        self.folder = folder
        self.commit = git.resolve(folder, revision)
        self._entries = self._list(*_ROOTS)
        self._listed: dict[str, dict[str, Entry]] = {}
        self._blobs = {} if blobs is None else blobs

    @property
    def entries(self) -> Mapping[str, Entry]:
        """Every path below `apps/` and `argocd/`, sorted."""
        return self._entries

    def entry(self, path: str) -> Entry | None:
        """The entry at `path`, or None."""
        top = path.split("/", maxsplit=1)[0]
        if top in _ROOTS:
            return self._entries.get(path)
        if top not in self._listed:
            self._listed[top] = self._list(top) if top not in ("", ".", "..") else {}
        return self._listed[top].get(path)

    def read(self, path: str) -> bytes:
        """The bytes of a regular file of the commit."""
        entry = self.entry(path)
        if entry is None or entry.kind is not EntryKind.FILE:
            raise TreeError(f"{path}: not a regular file in commit {self.commit[:12]}")
        if entry.identity not in self._blobs:
            self._blobs |= self._fetch(path, entry)
        return self._blobs[entry.identity]

    def _fetch(self, path: str, entry: Entry) -> dict[str, bytes]:
        """The wanted blob and every other small one not yet known, by one git process."""
        wanted = {entry.identity}
        if path in self._entries:
            small = (e for e in self._entries.values() if e.size_bytes <= _SMALL_BYTES)
            wanted |= {e.identity for e in small if e.kind is EntryKind.FILE} - self._blobs.keys()
        return git.read_blobs(self.folder, sorted(wanted))

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
