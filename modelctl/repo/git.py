"""Git, as a program: the few questions and commits this package needs.

Every call passes a list of arguments, ends options with `--end-of-options` where a name comes
from outside, and turns a failure into `GitError`: what it means, and git's own words.
"""

import hashlib
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from modelctl.errors import GitError
from modelctl.nearest import hint
from modelctl.repo import git_failures

# A prompt for credentials would hang a server at 3 a.m.; failing says what is wrong.
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_FLUSH": "0"}
_LEFT_OUT = "S"  # how `git ls-files -t` marks a file that a sparse checkout leaves out
# Git sets these for its hooks; with them every `git -C` would ask the hook's repository.
_OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")

# What git says of a revision that is not there; everything else is another failure.
_NO_REVISION = "Needed a single revision"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit: full hash, author, time in ISO 8601 with offset, and subject."""

    id: str
    author: str
    time: str
    subject: str


def run(
    folder: Path, *arguments: str, stdin: bytes | None = None, timeout_s: float | None = 120
) -> bytes:
    """Standard output of `git <arguments>` in `folder`.

    Raises:
        GitError: Git is missing, fails, or takes longer than `timeout_s`.
    """
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            check=True,
            timeout=timeout_s,
            env=_environment(arguments[0]),
        )
    except FileNotFoundError as error:
        raise GitError("git is not installed: install it (Debian: apt-get install git)") from error
    except OSError as error:
        raise GitError(f"git {arguments[0]} cannot be run in {folder}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise GitError(
            f"git {arguments[0]} took longer than {timeout_s} s in {folder}, expected an answer: "
            "look at the disk, or at the network to the remote repository, then try again"
        ) from error
    except subprocess.CalledProcessError as error:
        words = error.stderr.decode(errors="replace")
        raise GitError(git_failures.told(folder, arguments[0], words)) from error
    return done.stdout


def _environment(command: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    # Every path is just that; but what a hook of `git commit` asks git is none of ours.
    literal = {} if command == "commit" else {"GIT_LITERAL_PATHSPECS": "1"}
    return own | _ENVIRONMENT | literal


def text(folder: Path, *arguments: str) -> str:
    """Standard output of a git command as text, without the final newline."""
    return run(folder, *arguments).decode(errors="replace").rstrip("\n")


def top_level(folder: Path) -> Path:
    """The root of the work tree that `folder` lies in."""
    return Path(text(folder, "rev-parse", "--show-toplevel"))


def resolve(folder: Path, revision: str) -> str:
    """The full commit hash of a branch, tag or hash.

    Raises:
        GitError: There is no such commit; the message has the nearest name.
    """
    asked = f"{revision}^{{commit}}"
    try:
        return text(folder, "rev-parse", "--verify", "--end-of-options", asked)
    except GitError as error:
        if _NO_REVISION not in str(error):
            raise
        told = f"{_absent(folder, revision)} (git rev-parse: fatal: {_NO_REVISION})"
        raise GitError(told) from error


def _absent(folder: Path, revision: str) -> str:
    """Why a revision is not there, and which there are."""
    names = text(folder, "for-each-ref", "--format=%(refname:short)").splitlines()
    listed = "`git branch --all` and `git tag` list them"
    if not names and not text(folder, "rev-parse", "--revs-only", "HEAD"):
        return f"found no commit yet in {folder}, expected one: commit first"
    near = hint(revision.removeprefix("refs/heads/"), names, otherwise=listed)
    if near != listed:
        near = f"{near} {listed}"
    if text(folder, "rev-parse", "--is-shallow-repository") == "true":
        near += "; this clone is shallow: `git fetch --unshallow` brings older commits"
    return f"found no commit {revision} in {folder}, expected a branch, tag or hash: {near}"


def describe(folder: Path, commit: str) -> Commit:
    """Hash, author, time and subject of one commit."""
    return next(log(folder, commit, limit=1))


def log(folder: Path, revision: str, *paths: str, limit: int | None = None) -> Iterator[Commit]:
    """Commits reachable from `revision`, newest first, that touched any of `paths`."""
    layout = "%H%x00%an%x00%cI%x00%s%x00"
    bound = ["--no-follow", *([f"--max-count={limit}"] if limit else [])]
    out = text(
        folder, "log", f"--format={layout}", *bound, "--end-of-options", revision, "--", *paths
    )
    # Nothing in a commit can hold a NUL; any other separator could stand in an author's name.
    fields = [field.lstrip("\n") for field in out.split("\0")]
    for start in range(0, len(fields) - 1, 4):
        yield Commit(*fields[start : start + 4])


@dataclass(frozen=True, slots=True)
class MainLineCommit:
    """A commit of the main line and, by path, the blob before and after it; None for no file."""

    commit: Commit
    changed: Mapping[str, tuple[str | None, str | None]]


def main_line(folder: Path, revision: str, *paths: str) -> Iterator[MainLineCommit]:
    """The commits of the main line that changed anything at `paths`, newest first.

    The main line is the line of first parents: what a merge brought counts where it was merged,
    not where it was made. One git process reads all of it.
    """
    out = run(
        folder, "log", "--first-parent", "-m", "--raw", "-z", "--root", "--no-abbrev",
        "--no-renames", "--no-follow", "--format=%H%x00%an%x00%cI%x00%s", "--end-of-options",
        revision, "--", *paths,
    ).decode(errors="surrogateescape")  # fmt: skip
    tokens = iter(out.split("\0"))
    token = next(tokens, "")
    while token:
        commit = Commit(token, next(tokens), next(tokens), next(tokens))
        changed: dict[str, tuple[str | None, str | None]] = {}
        while (token := next(tokens, "")).startswith("\n:") or token.startswith(":"):
            _, _, before, after, _ = token.strip().split(" ")
            changed[next(tokens)] = _blob(before), _blob(after)
        yield MainLineCommit(commit, changed)


def _blob(identity: str) -> str | None:
    return identity if identity.strip("0") else None


def blobs(folder: Path, revision: str, *paths: str) -> dict[str, str]:
    """By path, the blob of every file at or below `paths` in a commit."""
    out = run(folder, "ls-tree", "-r", "-z", "--full-tree", revision, "--", *paths)
    records = filter(None, out.decode(errors="surrogateescape").split("\0"))
    parts = (record.split("\t", 1) for record in records)
    return {path: head.split(" ")[2] for head, path in parts}


def blob_name(folder: Path) -> Callable[[bytes], str]:
    """The function from bytes to the name that a repository has for a blob of them."""
    algorithm = text(folder, "rev-parse", "--show-object-format")
    return lambda content: hashlib.new(algorithm, b"blob %d\0" % len(content) + content).hexdigest()


def no_blob(folder: Path) -> str:
    """The name that stands for no object: as many zeros as a repository's names have digits."""
    return "0" * len(blob_name(folder)(b""))


def is_shallow(folder: Path) -> bool:
    """Whether the repository's history was cut off when it was cloned."""
    return text(folder, "rev-parse", "--is-shallow-repository") == "true"


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


def sizes(folder: Path, identities: Iterable[str]) -> dict[str, int]:
    """The size of each object in bytes, by one git process; 0 for one that is not here."""
    asked = list(dict.fromkeys(identities))
    stdin = "".join(f"{identity}\n" for identity in asked).encode()
    out = run(folder, "cat-file", "--batch-check", "--buffer", stdin=stdin)
    words = (line.rsplit(" ", 1)[1] for line in out.decode().splitlines())
    return {i: int(size) if size.isdigit() else 0 for i, size in zip(asked, words, strict=True)}


def _git_folder(root: Path) -> Path | None:
    """The folder of git's own files for a work tree, without asking git."""
    dot_git = root / ".git"
    if dot_git.is_file():
        return root / dot_git.read_text("utf-8").removeprefix("gitdir: ").strip()
    return dot_git if dot_git.is_dir() else None


def head(folder: Path) -> str:
    """The full hash of the commit that is checked out; empty before the first one."""
    try:
        return resolve(folder, "HEAD")
    except GitError:
        return ""


def branch(folder: Path) -> str:
    """The full name of the branch that is checked out, `refs/heads/main`; empty for none."""
    try:
        return text(folder, "symbolic-ref", "--quiet", "HEAD")
    except GitError:
        return ""


@lru_cache(maxsize=16)
def own_folder(root: Path) -> Path:
    """The folder that git keeps for this work tree: `index`, `MERGE_HEAD` and the like."""
    return Path(text(root, "rev-parse", "--absolute-git-dir"))


@lru_cache(maxsize=16)
def shared_folder(root: Path) -> Path:
    """The folder that git keeps for all work trees of a repository."""
    return Path(text(root, "rev-parse", "--path-format=absolute", "--git-common-dir"))


def entries_of(folder: Path, revision: str, paths: Iterable[str]) -> dict[str, tuple[str, str]]:
    """By path, mode and blob of each of `paths` that a commit has."""
    out = run(folder, "ls-tree", "-z", "--full-tree", revision, "--", *paths)
    records = filter(None, out.decode(errors="surrogateescape").split("\0"))
    parts = (record.split("\t", 1) for record in records)
    return {path: (head.split(" ")[0], head.split(" ")[2]) for head, path in parts}


def require_identity(folder: Path) -> None:
    """Return if git knows as whom it would commit.

    Raises:
        GitError: It does not.
    """
    try:
        for role in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            run(folder, "var", role)
    except GitError as error:
        raise GitError(
            "found no identity to commit as: `git config user.name NAME` and "
            "`git config user.email ADDRESS` set one"
        ) from error


def first_parent(folder: Path, commit: str) -> str:
    """The commit that another was made on top of, or a merge merged into; empty for none."""
    return (
        text(folder, "rev-list", "--max-count=1", "--parents", commit)
        .partition(" ")[2]
        .partition(" ")[0]
    )


def differing_paths(folder: Path, before: str, after: str, *paths: str) -> tuple[str, ...]:
    """The paths that differ between two commits."""
    return _listed(run(folder, "diff-tree", "-r", "-z", "--name-only", before, after, "--", *paths))


def changed_paths(folder: Path, before: str, *paths: str) -> tuple[str, ...]:
    """The paths that differ between a commit and the work tree, files new to git among them."""
    options = ("--name-only", "-z", "--no-renames", "--no-ext-diff")
    tracked = _listed(run(folder, "diff", *options, before, "--", *paths))
    others = run(folder, "ls-files", "--others", "--exclude-standard", "-z", "--", *paths)
    return (*tracked, *_listed(others))


def _listed(out: bytes) -> tuple[str, ...]:
    return tuple(filter(None, out.decode(errors="surrogateescape").split("\0")))


def ever_had(folder: Path, *paths: str) -> tuple[str, ...]:
    """Every path at or below `paths` that any commit before HEAD has added, merges included."""
    if not head(folder):
        return ()
    options = ("--full-history", "-m", "--root", "--no-follow", "--diff-filter=A", "--no-renames")
    out = run(folder, "log", *options, "--name-only", "--format=", "-z", "HEAD", "--", *paths)
    return tuple(dict.fromkeys(path.lstrip("\n") for path in _listed(out)))
