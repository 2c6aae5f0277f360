"""Git, as a program: the few questions and commits this package needs.

Every call passes a list of arguments, ends options with `--end-of-options` where a name comes
from outside, and turns a failure into `GitError`: what it means, and git's own words.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelctl.errors import GitError
from modelctl.nearest import hint
from modelctl.repo import git_failures

# A prompt for credentials would hang a server at 3 a.m.; failing says what is wrong.
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
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
        GitError: git is missing, fails, or takes longer than `timeout_s`.

    """
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            check=True,
            timeout=timeout_s,
            env=_environment(),
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


def _environment() -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    return own | _ENVIRONMENT


def text(folder: Path, *arguments: str) -> str:
    """Standard output of a git command as text, without the final newline."""
    return run(folder, *arguments).decode(errors="replace").rstrip("\n")


def top_level(folder: Path) -> Path:
    """The root of the work tree that `folder` lies in."""
    return Path(text(folder, "rev-parse", "--show-toplevel"))


def resolve(folder: Path, revision: str) -> str:
    """The full commit hash of a branch, tag or hash.

    Raises:
        GitError: there is no such commit; the message has the nearest name.

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
    bound = [f"--max-count={limit}"] if limit else []
    out = text(
        folder, "log", f"--format={layout}", *bound, "--end-of-options", revision, "--", *paths
    )
    # Nothing in a commit can hold a NUL; any other separator could stand in an author's name.
    fields = [field.lstrip("\n") for field in out.split("\0")]
    for start in range(0, len(fields) - 1, 4):
        yield Commit(*fields[start : start + 4])


def read_blobs(folder: Path, identities: Sequence[str]) -> dict[str, bytes]:
    """The bytes of each blob by its hash, read by one git process.

    Raises:
        GitError: git failed, or the repository lacks one of them.

    """
    asked = "".join(f"{identity}\n" for identity in identities)
    out = run(folder, "cat-file", "--batch", stdin=asked.encode())
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


def commit_paths(folder: Path, paths: Sequence[str], message: str) -> str:
    """Commit exactly `paths`, whatever else is staged or dirty, and give the new hash."""
    run(folder, "add", "--all", "--", *paths)
    run(folder, "commit", "--quiet", "--only", "--message", message, "--", *paths)
    return resolve(folder, "HEAD")
