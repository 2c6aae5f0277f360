"""Writes and commits an edit as one transaction: all of it is done, or nothing is changed.

A lock in git's folder holds back every other `modelctl` that would edit meanwhile.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelctl.edit import undo
from modelctl.edit.overlay import Changes
from modelctl.errors import EditRefusedError, GitError, ModelctlError
from modelctl.repo import git, git_objects

# What git keeps in its folder while something is under way, and the ways out of it.
_UNDER_WAY = {
    "MERGE_HEAD": ("a merge", "`git commit` or `git merge --abort`"),
    "rebase-merge": ("a rebase", "`git rebase --continue` or `git rebase --abort`"),
    "rebase-apply": ("a rebase or am", "`git rebase --continue` or `git rebase --abort`"),
    "CHERRY_PICK_HEAD": ("a cherry-pick", "`git cherry-pick --continue` or `--abort`"),
    "REVERT_HEAD": ("a revert", "`git revert --continue` or `git revert --abort`"),
}


@contextmanager
def only_writer(root: Path) -> Iterator[tuple[str, ...]]:
    """Hold the repository's edit lock; gives words on what an interrupted edit made necessary.

    Such an edit is finished or undone first.

    Raises:
        ModelctlError: Another edit holds the lock, or it cannot be taken.
    """
    lock = git.shared_folder(root) / "modelctl.lock"
    try:
        file = lock.open("a")
    except OSError as error:
        raise ModelctlError(
            f"{lock}: {error.strerror}; an edit needs git's folder to be writable"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ModelctlError(
                f"another modelctl is editing {root}: wait for it to finish, then try again"
            ) from error
        yield _mended(root)


def _mended(root: Path) -> tuple[str, ...]:
    """Finish or undo an edit that an earlier command did not bring to its end."""
    backup = undo.interrupted(root)
    if backup is None:
        return ()
    paths = [file.path for file in backup.files]
    if git.head(root) != backup.head and _is_committed(backup):
        backup.forget()
        return (f"an interrupted edit was committed whole: {backup.what}",)
    _require_no_lock(root)
    left = backup.put_back(but=_committed_since(backup))
    undo.reset_index(root, paths)
    words = f"an interrupted edit was undone: {backup.what}"
    if left:
        words += f"; left as they are, because they were changed since: {', '.join(left)}"
    return (words,)


def _committed_since(backup: undo.Undo) -> frozenset[str]:
    """The paths that a commit has changed after the edit was interrupted: they are somebody's."""
    if git.head(backup.root) == backup.head:
        return frozenset()
    name = git_objects.blob_name(backup.root)
    paths = [file.path for file in backup.files]
    committed = {
        p: blob for p, (_, blob) in git_objects.entries_of(backup.root, "HEAD", paths).items()
    }
    before = {f.path: None if f.before is None else name(f.before) for f in backup.files}
    return frozenset(path for path in paths if committed.get(path) != before[path])


def _is_committed(backup: undo.Undo) -> bool:
    name = git_objects.blob_name(backup.root)
    committed = git_objects.entries_of(backup.root, "HEAD", [file.path for file in backup.files])
    for file in backup.files:
        now = undo.content_of(backup.root / file.path)
        found = committed.get(file.path, ("", None))[1]
        if found != (None if now is None else name(now)) or now == file.before:
            return False
    return True


def write(root: Path, changes: Changes, what: str) -> None:
    """Write every file, or none.

    Raises:
        ModelctlError: A file cannot be written, or is not checked out; nothing was changed.
    """
    _require_checked_out(root, changes)
    backup = undo.begun(root, changes, what)
    backup.save()
    try:
        for path, content in changes.items():
            undo.put(root, path, content)
    except BaseException:
        backup.put_back()
        raise
    backup.forget()


def commit(root: Path, changes: Changes, message: str, *, verify: bool = True) -> str:
    """Write every file and commit exactly these; gives the hash of the commit.

    A commit whose bytes are not those of the files is taken back.

    With `verify` false git's hooks for commits are passed over.

    Raises:
        EditRefusedError: Somebody's uncommitted work would be committed with it.
        ModelctlError: It could not be done; files, index and branch are as they were.
    """
    _require_committable(root, changes)
    backup = undo.begun(root, changes, message)
    backup.save()
    try:
        with undo.index_kept(root):
            for path, content in changes.items():
                undo.put(root, path, content)
            commit_id = _committed(root, changes, message, verify=verify)
            _require_promised(root, backup.head, commit_id, changes)
    except BaseException:
        left = backup.put_back()
        if left:
            named = ", ".join(left)
            raise ModelctlError(f"changed meanwhile by something else, left so: {named}") from None
        raise
    backup.forget()
    return commit_id


def _committed(root: Path, changes: Changes, message: str, *, verify: bool) -> str:
    options = () if verify else ("--no-verify",)
    try:
        git.run(root, "add", "--all", "--", *changes)
        git.run(root, "commit", "--quiet", *options, "--only", "-m", message, "--", *changes)
    except GitError as error:
        hint = "mend what git says; where a hook refuses, `--no-verify` passes it over"
        raise GitError(f"nothing was changed: {error}\n{hint}") from error
    return git.resolve(root, "HEAD")


def _require_promised(root: Path, before: str, commit_id: str, changes: Changes) -> None:
    """Refuse, and take back, a commit whose bytes a hook or a filter has changed."""
    name = git_objects.blob_name(root)
    promised = {path: name(content) for path, content in changes.items() if content is not None}
    found = {
        path: blob for path, (_, blob) in git_objects.entries_of(root, commit_id, changes).items()
    }
    if found == promised:
        return
    other = sorted(path for path in changes if found.get(path) != promised.get(path))
    for path in other:
        now = undo.content_of(root / path)
        if (None if now is None else name(now)) == found.get(path):
            undo.put(root, path, changes[path])  # the hook's doing, so that the undo takes it back
    if before:
        git.run(root, "update-ref", "-m", "modelctl: take back", "HEAD", before, commit_id)
    raise ModelctlError(
        f"nothing was changed: the commit had other bytes than promised in {', '.join(other)}; "
        "a hook or a filter (.gitattributes, core.autocrlf) rewrites them: exempt generated files"
    )


def _require_committable(root: Path, changes: Changes) -> None:
    _require_checked_out(root, changes)
    _require_no_lock(root)
    for name, (what, ways_out) in _UNDER_WAY.items():
        if (git.own_folder(root) / name).exists():
            raise ModelctlError(
                f"{what} is under way in {root}, expected a clean state: finish it or leave it "
                f"({ways_out}), then try again"
            )
    if not git.branch(root):
        raise ModelctlError(
            f"HEAD of {root} is detached, expected a branch to commit to: `git switch BRANCH`"
        )
    git.require_identity(root)
    _refuse_uncommitted(root, changes)


def _require_no_lock(root: Path) -> None:
    lock = git.own_folder(root) / "index.lock"
    if lock.exists():
        raise ModelctlError(
            f"{lock} exists: another git is working, or one was killed; when none runs, remove it"
        )


def _require_checked_out(root: Path, changes: Changes) -> None:
    link = next((path for path in changes if (root / path).is_symlink()), None)
    if link is not None:
        raise ModelctlError(f"{link} is a symbolic link, expected a file: nothing is written there")
    hidden = sorted(git_objects.hidden(root).keys() & changes.keys())
    if hidden:
        folder = hidden[0].rpartition("/")[0]
        raise ModelctlError(
            f"{hidden[0]} is outside this sparse checkout, expected the files that are edited to "
            f"be checked out: `git sparse-checkout add {folder}`"
        )


def _refuse_uncommitted(root: Path, changes: Changes) -> None:
    """Refuse to commit over changes that somebody has not committed yet."""
    dirty = git.text(root, "status", "--porcelain", "--untracked-files=all", "--", *changes)
    if dirty:
        raise EditRefusedError(
            f"uncommitted changes would be committed with this edit; commit or undo them first:\n"
            f"{dirty}"
        )
