"""The repository that is followed on this machine: a branch, or the files on disk."""

import hashlib
import os
import time
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path

from modelctl.errors import GitError, UsageError
from modelctl.local.source.protocol import Applied, Stopped, never
from modelctl.repo import git, git_objects, history, touched
from modelctl.repo.commit_tree import CommitTree
from modelctl.repo.git import Commit
from modelctl.repo.layout import ROOTS, Pair
from modelctl.repo.tree import Tree, WorkTree

_CERTAINTY_S = 5.0  # git is asked again after so long, whatever the files say that hold refs
_UNCOMMITTED = "worktree-"  # begins the name of a revision that is no commit


class Branch:
    """A ref of a repository on this machine, read from its commits alone."""

    settle_s = 0.0  # a ref changes in one step

    def __init__(self, folder: Path, ref: str, *, every_s: float) -> None:
        """Follow `ref`, a full name such as `refs/heads/main`, or any revision git understands."""
        self.folder = folder
        self.ref = ref
        self.name = f"{ref} of {folder}"
        self.every_s = every_s
        self._blobs: dict[str, bytes] = {}
        self._watched: tuple[Path, ...] = ()
        self._seen: tuple[object, ...] = ()
        self._revision = ""
        self._certain_until = 0.0

    def folders(self) -> Collection[Path]:
        """The nearest folders that there are around the files that hold refs."""
        self._watched = self._watched or self._ref_files()
        around = {_nearest(path.parent) for path in self._watched}
        return {self.folder, *around}

    def known_revision(self) -> str:
        """The commit of the ref."""
        return self._resolve()

    def revision(self) -> str:
        """The commit of the ref.

        Git is asked only after a file that holds refs has changed, or a few seconds have passed.
        """
        if not self._watched:
            self._watched = self._ref_files()
        seen = tuple(map(_stamp, self._watched))
        if not self._revision or seen != self._seen or time.monotonic() > self._certain_until:
            self._revision = ""
            self._revision = self._resolve()
            self._seen = seen
            self._certain_until = time.monotonic() + _CERTAINTY_S
        return self._revision

    def _resolve(self) -> str:
        try:
            return git.resolve(self.folder, self.ref)
        except GitError as error:
            raise GitError(f"{self.name} names no commit now: {error}") from error

    def tree(self, revision: str) -> Tree:
        """The files of a commit; small blobs are kept for the commits after it."""
        tree = CommitTree(self.folder, revision, blobs=self._blobs, is_resolved=True)
        current = {entry.identity for entry in tree.entries.values()}
        for identity in self._blobs.keys() - current:
            del self._blobs[identity]
        return tree

    def tree_beside(self, revision: str) -> Tree:
        """The files of a commit; nothing is kept."""
        return CommitTree(self.folder, revision)

    def describe(self, revision: str) -> Commit:
        """Author, time and subject of a commit."""
        return git.describe(self.folder, revision)

    def history(self, revision: str, path: str, limit: int) -> tuple[Commit, ...]:
        """The last commits that touched anything below `path`."""
        return tuple(git.log(self.folder, revision, path, limit=limit))

    def follows(self, revision: str, earlier: str) -> bool:
        """Whether a commit has an earlier one among its ancestors."""
        try:
            return git.text(self.folder, "merge-base", revision, earlier) == earlier
        except GitError:  # nothing in common, or the earlier one is not even here any more
            return False

    def last_commits(
        self,
        revision: str,
        models: Iterable[str],
        *,
        limit: int | None = None,
        stopped: Stopped = never,
    ) -> dict[str, Commit]:
        """By model, the last commit that touched it."""
        return touched.last_commits(self.folder, revision, models, limit=limit, stopped=stopped)

    def formers(self, revision: str, applied: Applied) -> dict[Pair, Commit]:
        """By model and environment, the commit that applied just these bytes before others were."""
        return _formers(self.folder, revision, applied)

    def _ref_files(self) -> tuple[Path, ...]:
        """The files that change when the ref does: its own, packed refs, and the newer table."""
        names = (self.ref, "HEAD", "packed-refs", "reftable/tables.list")
        wanted = [word for name in names for word in ("--git-path", name)]
        paths = git.text(self.folder, "rev-parse", *wanted).splitlines()
        return tuple(self.folder / path for path in paths)


class FilesOnDisk:
    """The files of a work tree as they are on disk, committed or not."""

    every_s = 0.5
    settle_s = 0.05  # an editor or the renderer writes more than one file

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"the files in {folder}"

    def revision(self) -> str:
        """A name for the present state of the files: their sizes and times."""
        digest = hashlib.sha256()
        for path in WorkTree(self.folder).entries:
            digest.update(repr((path, _stamp(self.folder / path))).encode())
        return _UNCOMMITTED + digest.hexdigest()[:12]

    def folders(self) -> Collection[Path]:
        """Every folder below those that are read, and the root above them."""
        roots = (self.folder / root for root in ROOTS)
        below = (Path(folder) for root in roots for folder, _, _ in os.walk(root))
        return {self.folder, *below}

    def known_revision(self) -> str:
        """A name for the present state of the files."""
        return self.revision()

    def tree(self, revision: str) -> Tree:  # noqa: ARG002 - the protocol's; files have no past
        """The files as they are now."""
        return WorkTree(self.folder)

    def tree_beside(self, revision: str) -> Tree:
        """The files as they are now."""
        return self.tree(revision)

    def describe(self, revision: str) -> Commit:
        """A stand-in for a commit: nobody made one."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return Commit(revision, "nobody", now, "files on disk, not committed")

    def history(self, revision: str, path: str, limit: int) -> tuple[Commit, ...]:
        """The last commits below `path`, as if the files were committed."""
        del revision
        return tuple(git.log(self.folder, "HEAD", path, limit=limit))

    def follows(self, revision: str, earlier: str) -> bool:  # noqa: ARG002 - the protocol's
        """Always: files have no history that could be rewritten."""
        return True

    def last_commits(
        self,
        revision: str,
        models: Iterable[str],
        *,
        limit: int | None = None,
        stopped: Stopped = never,
    ) -> dict[str, Commit]:
        """By model, the last commit up to HEAD that touched it."""
        del revision
        return touched.last_commits(self.folder, "HEAD", models, limit=limit, stopped=stopped)

    def formers(self, revision: str, applied: Applied) -> dict[Pair, Commit]:
        """By model and environment, the commit up to HEAD that applied just these bytes before."""
        del revision
        return _formers(self.folder, "HEAD", applied)


def local_branch(folder: Path, ref: str | None, *, every_s: float) -> Branch:
    """The branch to follow in a repository on this machine: `ref`, or the one checked out.

    The branch stays the same when another one is checked out later. A detached HEAD is followed
    itself.

    Raises:
        UsageError: There is no repository, or no such ref, or nothing is committed yet.
    """
    try:
        git.resolve(folder, ref or "HEAD")
        full = git.text(folder, "rev-parse", "--symbolic-full-name", ref or "HEAD")
    except GitError as error:
        raise UsageError(f"{error}; see --repo and --ref") from error
    return Branch(folder, full or ref or "HEAD", every_s=every_s)


def _formers(folder: Path, revision: str, applied: Applied) -> dict[Pair, Commit]:
    """By model and environment, the commit that applied just these bytes before others were."""
    name = git_objects.blob_name(folder)
    blobs = {p: {path: name(content) for path, content in c.items()} for p, c in applied.items()}
    return history.formers(folder, revision, blobs)


def _nearest(folder: Path) -> Path:
    """A folder, or the first one above it that is there."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What differs whenever a file is replaced or written; None if there is none."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
