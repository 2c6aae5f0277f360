"""What a repository of git holds: trees, blobs, and the paths that differ between them."""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from modelctl.errors import GitError
from modelctl.repo.git import head, run, text

_LEFT_OUT = "S"  # how `git ls-files -t` marks a file that a sparse checkout leaves out


def blobs(folder: Path, revision: str, *paths: str) -> dict[str, str]:
    """By path, the blob of every file at or below `paths` in a commit."""
    out = run(folder, "ls-tree", "-r", "-z", "--full-tree", revision, "--", *paths)
    records = filter(None, out.decode(errors="surrogateescape").split("\0"))
    parts = (record.split("\t", 1) for record in records)
    return {path: head.split(" ")[2] for head, path in parts}


def entries_of(folder: Path, revision: str, paths: Iterable[str]) -> dict[str, tuple[str, str]]:
    """By path, mode and blob of each of `paths` that a commit has."""
    out = run(folder, "ls-tree", "-z", "--full-tree", revision, "--", *paths)
    records = filter(None, out.decode(errors="surrogateescape").split("\0"))
    parts = (record.split("\t", 1) for record in records)
    return {path: (head.split(" ")[0], head.split(" ")[2]) for head, path in parts}


def blob_name(folder: Path) -> Callable[[bytes], str]:
    """The function from bytes to the name that a repository has for a blob of them."""
    algorithm = text(folder, "rev-parse", "--show-object-format")
    return lambda content: hashlib.new(algorithm, b"blob %d\0" % len(content) + content).hexdigest()


def no_blob(folder: Path) -> str:
    """The name that stands for no object: as many zeros as a repository's names have digits."""
    return "0" * len(blob_name(folder)(b""))


def read_blobs(folder: Path, identities: Sequence[str]) -> dict[str, bytes]:
    """The bytes of each blob by its hash, read by one git process.

    Raises:
        GitError: Git failed, or the repository lacks one of them.
    """
    asked = "".join(f"{identity}\n" for identity in identities)
    out = run(folder, "cat-file", "--batch", "--buffer", stdin=asked.encode())
    blobs: dict[str, bytes] = {}
    start = 0
    for identity in identities:
        end_of_head = out.index(b"\n", start)
        last_word = out[start:end_of_head].rsplit(b" ", 1)[1]
        if not last_word.isdigit():
            raise GitError(f"{folder} lacks the object {identity}: fetch it, or clone in full")
        size = int(last_word)
        blobs[identity] = out[end_of_head + 1 : end_of_head + 1 + size]
        start = end_of_head + size + 2
    return blobs


def sizes(folder: Path, identities: Iterable[str]) -> dict[str, int]:
    """The size of each object in bytes, by one git process; 0 for one that is not here."""
    asked = list(dict.fromkeys(identities))
    stdin = "".join(f"{identity}\n" for identity in asked).encode()
    out = run(folder, "cat-file", "--batch-check", "--buffer", stdin=stdin)
    words = (line.rsplit(" ", 1)[1] for line in out.decode().splitlines())
    return {i: int(size) if size.isdigit() else 0 for i, size in zip(asked, words, strict=True)}


def hidden(root: Path) -> dict[str, tuple[str, str]]:
    """By path, mode and object of each file that a sparse checkout leaves out of the work tree.

    Git is asked only where the repository has a sparse checkout at all.
    """
    folder = _git_folder(root)
    if folder is None or not (folder / "info" / "sparse-checkout").exists():
        return {}
    found = {}
    for record in _listed(run(root, "ls-files", "-t", "-s", "-z", "--full-name")):
        tag, mode, identity, rest = record.split(" ", 3)
        path = rest.split("\t", 1)[1]
        if tag == _LEFT_OUT and not os.path.lexists(f"{root}/{path}"):
            found[path] = mode, identity
    return found


def _git_folder(root: Path) -> Path | None:
    """The folder of git's own files for a work tree, without asking git."""
    dot_git = root / ".git"
    if dot_git.is_file():
        return root / dot_git.read_text("utf-8").removeprefix("gitdir: ").strip()
    return dot_git if dot_git.is_dir() else None


def differing_paths(folder: Path, before: str, after: str, *paths: str) -> tuple[str, ...]:
    """The paths that differ between two commits."""
    return _listed(run(folder, "diff-tree", "-r", "-z", "--name-only", before, after, "--", *paths))


def changed_paths(folder: Path, before: str, *paths: str) -> tuple[str, ...]:
    """The paths that differ between a commit and the work tree, files new to git among them."""
    options = ("--name-only", "-z", "--no-renames", "--no-ext-diff")
    tracked = _listed(run(folder, "diff", *options, before, "--", *paths))
    others = run(folder, "ls-files", "--others", "--exclude-standard", "-z", "--", *paths)
    return (*tracked, *_listed(others))


def deleted_paths(folder: Path, before: str, after: str | None) -> tuple[str, ...]:
    """The paths of a commit that another one has no more, or the work tree without `after`."""
    options = ("--diff-filter=D", "--name-only", "-z", "--no-renames", "--no-ext-diff")
    return _listed(run(folder, "diff", *options, before, *([after] if after else []), "--"))


def merged(folder: Path, ours: str, theirs: str) -> str:
    """The tree of two commits merged, without touching the work tree.

    Raises:
        GitError: They conflict, or git is older than 2.38.
    """
    return text(folder, "merge-tree", "--write-tree", "--no-messages", theirs, ours)


def ever_had(folder: Path, *paths: str) -> tuple[str, ...]:
    """Every path at or below `paths` that any commit before HEAD has added, merges included."""
    if not head(folder):
        return ()
    options = ("--full-history", "-m", "--root", "--no-follow", "--diff-filter=A", "--no-renames")
    out = run(folder, "log", *options, "--name-only", "--format=", "-z", "HEAD", "--", *paths)
    return tuple(dict.fromkeys(path.lstrip("\n") for path in _listed(out)))


def _listed(out: bytes) -> tuple[str, ...]:
    return tuple(filter(None, out.decode(errors="surrogateescape").split("\0")))
