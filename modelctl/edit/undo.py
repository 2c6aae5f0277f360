"""What an edit replaces, kept until the edit is whole: in memory and in git's own folder.

Whatever ends an edit half-way, a full disk, a hook that refuses, Ctrl-C or `kill -9`, the files
go back to what they were: at once, or by the next command that edits.
"""

import base64
import hashlib
import json
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from modelctl.atomic import SHARED, write_atomically
from modelctl.edit.overlay import Changes
from modelctl.errors import ModelctlError
from modelctl.repo import git, git_objects

_RECORD = "modelctl-edit.json"


@dataclass(frozen=True, slots=True)
class Replaced:
    """One file of an edit: its bytes before the edit, and the SHA-256 of its bytes after it.

    None stands for no file.
    """

    path: str
    before: bytes | None
    after_sha256: str | None


@dataclass(frozen=True, slots=True)
class Undo:
    """Everything that is needed to undo an edit; `what` tells a person which edit it is.

    `record` is the file that keeps it, `head` the commit that was checked out before the edit.
    """

    root: Path
    record: Path
    head: str
    what: str
    files: tuple[Replaced, ...]

    def put_back(self, *, but: Collection[str] = ()) -> tuple[str, ...]:
        """Restore every file; the paths that somebody else has changed since are left and named.

        So are those of `but`.
        """
        left = []
        for file in self.files:
            now = content_of(self.root / file.path)
            if now == file.before:
                continue
            if file.path in but or _sha256(now) != file.after_sha256:
                left.append(file.path)
                continue
            put(self.root, file.path, file.before)
        self.forget()
        return tuple(left)

    def save(self) -> None:
        """Keep the record where the next command finds it."""
        files = [
            {
                "path": file.path,
                "before": None if file.before is None else base64.b64encode(file.before).decode(),
                "after_sha256": file.after_sha256,
            }
            for file in self.files
        ]
        record = {"head": self.head, "what": self.what, "files": files}
        write_atomically(self.record, json.dumps(record).encode())

    def forget(self) -> None:
        """Drop the record: the edit is whole, or undone."""
        self.record.unlink(missing_ok=True)


def begun(root: Path, changes: Changes, what: str) -> Undo:
    """What undoes an edit that is about to be written."""
    files = (
        Replaced(path, content_of(root / path), _sha256(content))
        for path, content in changes.items()
    )
    return Undo(root, _record(root), git.head(root), what, tuple(files))


def interrupted(root: Path) -> Undo | None:
    """What undoes an edit that never came to its end; None where there is none."""
    record = _record(root)
    try:
        fields = json.loads(record.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise ModelctlError(
            f"{record} is damaged, expected the record of an interrupted edit: compare the work "
            "tree with `git status`, then remove the file"
        ) from error
    files = (
        Replaced(
            file["path"],
            None if file["before"] is None else base64.b64decode(file["before"]),
            file["after_sha256"],
        )
        for file in fields["files"]
    )
    return Undo(root, record, fields["head"], fields["what"], tuple(files))


@contextmanager
def index_kept(root: Path) -> Iterator[None]:
    """Put git's index back, byte for byte, if what is done here fails."""
    index = git.own_folder(root) / "index"
    before = content_of(index)
    try:
        yield
    except BaseException:
        if content_of(index) != before:
            if before is None:
                index.unlink(missing_ok=True)
            else:
                write_atomically(index, before, SHARED)
        raise


def reset_index(root: Path, paths: Sequence[str]) -> None:
    """Set the index back to HEAD for some paths."""
    committed = git_objects.entries_of(root, "HEAD", paths) if git.head(root) else {}
    none = ("0", git_objects.no_blob(root))
    lines = (
        f"{mode} {blob}\t{path}\0" for path in paths for mode, blob in (committed.get(path, none),)
    )
    git.run(root, "update-index", "-z", "--index-info", stdin="".join(lines).encode())


def put(root: Path, name: str, content: bytes | None) -> None:
    """Write a file, or with None remove it and the folders that are empty then.

    Raises:
        ModelctlError: The place is behind a link, or cannot be written.
    """
    path = root / name
    inside = [parent for parent in path.parents if parent != root and root in parent.parents]
    link = next((parent for parent in inside if parent.is_symlink()), None)
    if link is not None:
        raise ModelctlError(
            f"{link} is a symbolic link, expected a folder: nothing is written there"
        )
    try:
        if content is None:
            path.unlink(missing_ok=True)
            for parent in inside:
                with suppress(OSError):  # not empty
                    parent.rmdir()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content, SHARED)
    except OSError as error:
        raise ModelctlError(
            f"{path} cannot be written: {os.strerror(error.errno or 0)}; nothing was changed"
        ) from error


def content_of(path: Path) -> bytes | None:
    """The bytes of a regular file, or None where there is none."""
    return path.read_bytes() if path.is_file() else None


def _record(root: Path) -> Path:
    return git.own_folder(root) / _RECORD


def _sha256(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()
