"""Where the laptop's store lies: a folder that git ignores, of files named by their SHA-256.

`modelctl.store` writes it. Here it is only read: what a `store:` URI names may be within reach.
"""

import re
from pathlib import Path

from modelctl.repo.mirrors import STORE

_NAMED = re.compile(re.escape(STORE) + r"(?P<sha256>[0-9a-f]{64})(\.[a-z0-9]+)*")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def folder(git_folder: Path) -> Path:
    """The store of a repository, by the folder that git keeps for all of its work trees.

    It lies beside that folder, in the main work tree; where there is none, within.
    """
    if git_folder.name == ".git":
        return git_folder.parent / ".modelctl" / "store"
    return git_folder / "modelctl" / "store"


def digest_in(uri: str) -> str | None:
    """The SHA-256 that a `store:` URI names; None for every other URI."""
    named = _NAMED.fullmatch(uri)
    return named["sha256"] if named else None


def file_of(store: Path, sha256: str) -> Path | None:
    """The file that is stored under a digest; None where there is none. Its bytes are not read."""
    if not _DIGEST.fullmatch(sha256):
        return None
    stored = store / sha256
    return stored if stored.is_file() else None


def within(git_folder: Path | None, uri: str) -> Path | None:
    """The file of the laptop's store that a `store:` URI names; None where there is none."""
    sha256 = digest_in(uri)
    return file_of(folder(git_folder), sha256) if git_folder and sha256 else None
