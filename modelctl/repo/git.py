"""Git, as a program: the few questions and commits this package needs.

Every call passes a list of arguments, ends options with `--end-of-options` where a name comes
from outside, and turns a failure into `GitError` with git's own words.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelctl.errors import GitError

# A prompt for credentials would hang a server at 3 a.m.; failing says what is wrong.
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
# Git sets these for its hooks; with them every `git -C` would ask the hook's repository.
_OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR")


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
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git {arguments[0]} took longer than {timeout_s} s in {folder}") from error
    except subprocess.CalledProcessError as error:
        words = error.stderr.decode(errors="replace").strip()
        raise GitError(f"git {' '.join(arguments)} failed in {folder}: {words}") from error
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
    """The full commit hash of a branch, tag or hash."""
    return text(
        folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )


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
