"""The files of a commit, read from git's objects; what is in the work tree does not matter."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from modelctl.errors import GitError, TreeError
from modelctl.repo import git, git_objects
from modelctl.repo.layout import ROOTS
from modelctl.repo.tree import (
    SMALL_BYTES,
    SUBMODULE_MODE,
    SYMLINK_MODE,
    Entries,
    Entry,
    EntryKind,
    names_below,
    slice_below,
)

_ALONG_BYTES = 32 << 20  # of files that are read before anybody asks for them
_AT_ONCE = 500  # paths in one command: it may be long, but not without bound


class CommitTree:
    """The files of a commit, read from git's objects; what is in the work tree does not matter."""

    def __init__(
        self,
        folder: Path,
        revision: str,
        *,
        blobs: dict[str, bytes] | None = None,
        is_resolved: bool = False,
    ) -> None:
        """Open a commit; `blobs` is a cache by blob hash that successive commits may share.

        Git is not asked what a revision stands for that is the full name of a commit already.
        """
        self.folder = folder
        self.commit = revision if is_resolved else git.resolve(folder, revision)
        self._entries: Entries | None = None
        self._ordered: list[str] = []
        self._listed: dict[str, dict[str, Entry]] = {}
        self._seen: dict[str, Entry | None] = {}  # alone; None for a folder, or for nothing
        self._blobs = {} if blobs is None else blobs

    @property
    def git_folder(self) -> Path | None:
        """Where git keeps its own files, for all work trees."""
        return git.shared_folder(self.folder)

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
        found = self._look(f"{folder}/")
        self._seen |= found
        return tuple(sorted(path.rpartition("/")[2] for path in found))

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
        if path not in self._seen:
            self._seen |= {path: None} | self._look(path)
        return self._seen[path]

    def look_at(self, paths: Iterable[str]) -> None:
        """Look at many paths at once, so that asking for each costs no git process."""
        unseen = [path for path in dict.fromkeys(paths) if not self._is_known(path)]
        for start in range(0, len(unseen), _AT_ONCE):
            some = unseen[start : start + _AT_ONCE]
            self._seen |= dict.fromkeys(some) | self._look(*some)

    def _is_known(self, path: str) -> bool:
        parts = path.split("/")
        inside = any(path.startswith(f"{folder}/") for folder in self._listed)
        listed = inside or (parts[0] in ROOTS and self._entries is not None)
        return listed or path in self._seen or not {"", ".", ".."}.isdisjoint(parts)

    def read(self, path: str) -> bytes:
        """The bytes of a regular file of the commit."""
        entry = self.entry(path)
        if entry is None or entry.kind is not EntryKind.FILE:
            raise TreeError(f"{path}: not a regular file in commit {self.commit[:12]}")
        if entry.identity not in self._blobs:
            self._blobs |= self._fetch(entry)
        return self._blobs[entry.identity]

    def _fetch(self, entry: Entry) -> dict[str, bytes]:
        """The wanted blob and every other small one that is listed, by one git process.

        Of the others, which were looked at alone, as many come along as fit into a bound.
        """
        listed = (self._entries or {}, *self._listed.values())
        files = (e for entries in listed for e in entries.values() if e.kind is EntryKind.FILE)
        small = {e.identity for e in files if e.size_bytes <= SMALL_BYTES}
        total_bytes = 0
        for other in filter(None, self._seen.values()):
            if other.kind is EntryKind.FILE and other.identity not in self._blobs:
                total_bytes += other.size_bytes
                small |= {other.identity} if total_bytes <= _ALONG_BYTES else set()
        return git_objects.read_blobs(
            self.folder, sorted({entry.identity} | (small - self._blobs.keys()))
        )

    def _list(self, *paths: str) -> dict[str, Entry]:
        found = sorted(self._look(*paths, options=("-r",)).items())
        return {path: entry for path, entry in found if entry is not None}

    def _look(self, *paths: str, options: Sequence[str] = ()) -> dict[str, Entry | None]:
        """What git lists of paths; None for a folder."""
        command = ("ls-tree", *options, "-l", "-z", "--full-tree", self.commit, "--", *paths)
        out = git.run(self.folder, *command)
        return dict(map(_record, filter(None, out.decode(errors="surrogateescape").split("\0"))))


def _record(line: str) -> tuple[str, Entry | None]:
    head, path = line.split("\t", 1)
    mode, kind, identity, size = head.split()
    if kind == "tree":
        return path, None
    if mode == SUBMODULE_MODE:
        return path, Entry(EntryKind.OTHER, 0, identity)
    if not size.isdigit():
        raise GitError(f"{path}: object {identity} is missing or damaged: run `git fsck`")
    if mode == SYMLINK_MODE:
        return path, Entry(EntryKind.SYMLINK, int(size), identity)
    return path, Entry(EntryKind.FILE, int(size), identity)
