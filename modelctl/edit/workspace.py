"""Edits of the work tree: overlay, render, check, and only then write.

An edit that brings a new error is refused with nothing written; faults that were there before do
not stand in its way. One writer at a time: a lock in the git folder says who works.
"""

import fcntl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from modelctl.atomic import SHARED, write_atomically
from modelctl.check.engine import check, errors
from modelctl.errors import EditRefusedError, ModelctlError, TreeError
from modelctl.finding import Finding
from modelctl.render import drift
from modelctl.repo import git
from modelctl.repo.loading import load
from modelctl.repo.repository import Repository
from modelctl.repo.tree import Entry, EntryKind, Tree, WorkTree

# What a path holds after an edit; None removes it.
Changes = Mapping[str, bytes | None]


class OverlayTree:
    """A tree with some files replaced, added or removed, without touching the disk."""

    def __init__(self, base: Tree, changes: Changes) -> None:
        self._base = base
        self._changes = changes
        kept = {path: entry for path, entry in base.entries.items() if path not in changes}
        added = {path: _entry(content) for path, content in changes.items() if content is not None}
        self._entries = dict(sorted((kept | added).items()))

    @property
    def entries(self) -> Mapping[str, Entry]:
        """Every path below `apps/` and `argocd/`, sorted."""
        return self._entries

    def entry(self, path: str) -> Entry | None:
        """The entry at `path`, or None."""
        if path in self._changes:
            return self._entries.get(path)
        return self._base.entry(path)

    def read(self, path: str) -> bytes:
        """The bytes of a regular file."""
        if path not in self._changes:
            return self._base.read(path)
        content = self._changes[path]
        if content is None:
            raise TreeError(f"{path}: removed by this edit")
        return content


def _entry(content: bytes) -> Entry:
    return Entry(EntryKind.FILE, len(content))


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit that passed the check: every file it changes, generated ones included."""

    root: Path
    changes: Changes = field(repr=False)
    warnings: tuple[Finding, ...]

    def write(self) -> None:
        """Write every file, each by an atomic rename."""
        for path, content in self.changes.items():
            _write(self.root, path, content)

    def commit(self, message: str) -> str:
        """Write, commit exactly these files, and give the commit's hash."""
        self.write()
        return git.commit_paths(self.root, list(self.changes), message)


def plan_edit(root: Path, typed: Changes) -> Edit:
    """The whole edit that follows from changes to typed files, and nothing of other models.

    Raises:
        EditRefusedError: the result would have an error that is not there now.

    """
    before = WorkTree(root)
    known = {_identity(finding) for finding in errors(check(load(before)))}
    middle = OverlayTree(before, typed)
    models = {path.split("/")[1] for path in typed if path.startswith("apps/")}
    rendered = {
        path: content
        for path, content in render_changes(load(middle)).items()
        if (pair := drift.pair_of(path)) and pair[0] in models
    }
    changes = dict(typed) | rendered
    findings = check(load(OverlayTree(before, changes)))
    new = [finding for finding in errors(findings) if _identity(finding) not in known]
    if new:
        shown = "\n  ".join(map(str, new))
        raise EditRefusedError(f"nothing was written; the result would have:\n  {shown}")
    warnings = tuple(f for f in findings if f not in errors(findings) and f.path in changes)
    return Edit(root, changes, warnings)


def render_changes(repository: Repository) -> dict[str, bytes | None]:
    """What `render` would write or remove: only files that differ."""
    changes: dict[str, bytes | None] = {
        path: content
        for path, content in drift.expected(repository).items()
        if repository.generated.get(path) != content
    }
    return changes | dict.fromkeys(drift.orphans(repository))


def _identity(finding: Finding) -> tuple[str, str, str]:
    return finding.path, finding.rule, finding.message


@contextmanager
def only_writer(root: Path) -> Iterator[None]:
    """Hold the repository's edit lock.

    Raises:
        ModelctlError: another edit holds it.

    """
    lock = Path(git.text(root, "rev-parse", "--path-format=absolute", "--git-common-dir"))
    with (lock / "modelctl.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ModelctlError(
                f"another modelctl is editing {root}: wait for it to finish, then try again"
            ) from error
        yield


def refuse_uncommitted(root: Path, paths: Sequence[str]) -> None:
    """Refuse to commit over changes that somebody has not committed yet."""
    dirty = git.text(root, "status", "--porcelain", "--", *paths)
    if dirty:
        raise EditRefusedError(
            f"uncommitted changes would be committed with this edit; commit or undo them first:\n"
            f"{dirty}"
        )


def _write(root: Path, name: str, content: bytes | None) -> None:
    path = root / name
    link = next(
        (p for p in path.parents if p != root and root in p.parents and p.is_symlink()), None
    )
    if link is not None:
        raise ModelctlError(
            f"{link} is a symbolic link, expected a folder: nothing is written there"
        )
    try:
        if content is None:
            path.unlink(missing_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content, SHARED)
    except OSError as error:
        raise ModelctlError(f"{path} cannot be written: {error.strerror}") from error
