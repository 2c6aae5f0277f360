"""A folder that becomes a repository in one step: whole and committed, or as it was.

Everything is made in a folder beside it, which is then given its name. Where the folder is there
already, which only an empty one may be, its content moves in; a move that was cut off is finished
by whoever comes next.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from modelctl.errors import GitError, ModelctlError, UsageError
from modelctl.repo import git

_MADE = "made"  # the folder inside that becomes the repository
_COMPLETE = "complete"  # is there once nothing but the move is left
_SUBJECT = "root: Begin"


def create(target: Path, files: Callable[[Path], Mapping[str, bytes]]) -> str:
    """Make `target` a repository of the files that `files` gives for it; the hash of its commit.

    `files` is called once with the folder that is a repository already, and again until it has
    nothing to add: generated files follow from what was written before.

    Raises:
        UsageError: The folder is not empty, or lies in a repository.
        ModelctlError: It could not be made; nothing is left of it.
    """
    with _only_maker(target) as beside:
        made, complete = beside / _MADE, beside / _COMPLETE
        if not (made.exists() and complete.exists()):
            complete.unlink(missing_ok=True)
            _refuse(target)
            _make(made, files)
            complete.touch()
        _move(made, target)
    return git.head(target)


@contextmanager
def _only_maker(target: Path) -> Iterator[Path]:
    """The folder beside the target in which it is made; it goes at the end, whatever happens.

    Only what is complete and not moved yet stays.
    """
    beside = target.parent / f".{target.name}.modelctl-init"
    if not target.parent.is_dir():
        raise UsageError(f"found no folder {target.parent}, expected one to make {target.name} in")
    beside.mkdir(exist_ok=True)
    descriptor = os.open(beside, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise ModelctlError(
            f"another `modelctl init` makes {target}: wait for it to finish"
        ) from error
    try:
        yield beside
        (beside / _COMPLETE).unlink()
    finally:
        if not (beside / _COMPLETE).exists():
            shutil.rmtree(beside, ignore_errors=True)
        os.close(descriptor)


def _refuse(target: Path) -> None:
    """Refuse a target that is no new or empty folder outside every repository."""
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is no folder: name one that is empty, or not there yet")
    found = sorted(path.name for path in target.iterdir()) if target.exists() else []
    if found:
        more = f" and {len(found) - 1} more" if found[1:] else ""
        raise UsageError(
            f"{target} is not empty, found {found[0]}{more}: name a folder that is empty, or not "
            "there yet"
        )
    try:
        outer = git.top_level(target if target.exists() else target.parent)
    except GitError:
        return
    raise UsageError(f"{target} lies in the repository {outer}: name a folder outside of it")


def _make(root: Path, files: Callable[[Path], Mapping[str, bytes]]) -> None:
    if root.exists():
        shutil.rmtree(root)  # of one that was killed
    root.mkdir()
    git.run(root, "init", "--quiet", "--initial-branch=main")
    _require_identity(root)
    while added := files(root):
        for path, content in added.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
    git.run(root, "add", "--all", "--force")  # whatever a person has git ignore everywhere
    git.run(root, "commit", "--quiet", "--no-verify", "--message", _SUBJECT)


def _require_identity(root: Path) -> None:
    """Return if git knows as whom it would commit in a repository that is not there yet.

    Raises:
        GitError: It does not.
    """
    try:
        git.require_identity(root)
    except GitError as error:
        raise GitError(
            "found no identity to make the first commit as, nothing was made: "
            '`git config --global user.name "YOUR NAME"` and '
            "`git config --global user.email YOU@HOST` set one, then run the same command again"
        ) from error


def _move(made: Path, target: Path) -> None:
    """Give the made folder its name; into a folder that is there its content moves, git's last."""
    if not target.exists():
        made.rename(target)
        return
    for path in sorted(made.iterdir(), key=lambda path: (path.name == ".git", path.name)):
        path.rename(target / path.name)
