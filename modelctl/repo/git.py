"""Git, as a program: the few questions and commits this package needs.

Every call passes a list of arguments, ends options with `--end-of-options` where a name comes
from outside, and turns a failure into `GitError`: what it means, and git's own words.
"""

import os
import subprocess
import tempfile
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from modelctl.errors import GitError
from modelctl.nearest import hint
from modelctl.repo import git_failures

# A prompt for credentials would hang a server at 3 a.m.; failing says what is wrong.
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", "GIT_FLUSH": "0"}
# Git sets these for its hooks; with them every `git -C` would ask the hook's repository.
_OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")

_CHUNK_BYTES = 1 << 16  # a pipe holds no more
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


def stream(folder: Path, *arguments: str) -> Generator[str]:
    """The fields that `git <arguments>` separates by NUL, as it gives them.

    Whoever closes the iterator before its end ends git.

    Raises:
        GitError: Git is missing, or fails.
    """
    command = ["git", "-C", str(folder), *arguments]
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, env=_environment(arguments[0])
            )
        except OSError as error:
            told = f"git {arguments[0]} cannot be run in {folder}: {error.strerror}"
            raise GitError(told) from error
        with process:
            try:
                yield from _fields(process)
            finally:
                process.kill()
        if process.returncode > 0:
            errors.seek(0)
            words = errors.read().decode(errors="replace")
            raise GitError(git_failures.told(folder, arguments[0], words))


def _fields(process: "subprocess.Popen[bytes]") -> Iterator[str]:
    """What a process writes, split at each NUL; its end is awaited."""
    left = b""
    while chunk := os.read(process.stdout.fileno(), _CHUNK_BYTES) if process.stdout else b"":
        *fields, left = (left + chunk).split(b"\0")
        yield from (field.decode(errors="surrogateescape") for field in fields)
    if left:
        yield left.decode(errors="surrogateescape")
    process.wait()


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
    not where it was made. One git process reads it, as far as it is asked for.
    """
    tokens = stream(
        folder, "log", "--first-parent", "-m", "--raw", "-z", "--root", "--no-abbrev",
        "--no-renames", "--no-follow", "--format=%H%x00%an%x00%cI%x00%s", "--end-of-options",
        revision, "--", *paths,
    )  # fmt: skip
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


def is_shallow(folder: Path) -> bool:
    """Whether the repository's history was cut off when it was cloned."""
    return text(folder, "rev-parse", "--is-shallow-repository") == "true"


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
