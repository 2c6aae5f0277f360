"""Commits by the thousand, through `git fast-import`."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.scratch import git

_BRANCH = "refs/heads/main"
_BEGIN_S = 1_700_000_000  # any time; commits follow each other by a minute
_STEP_S = 60


class Import:
    """Commits onto the main branch of a repository, which is made where there is none.

    Leaving the context packs them, and takes the last one for what is checked out.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        if not (root / ".git").exists():
            git(root, "init", "--quiet", f"--initial-branch={_BRANCH.removeprefix('refs/heads/')}")
            git(root, "config", "user.name", "Fleet")
            git(root, "config", "user.email", "fleet@example.com")
        self._is_first = not git(root, "for-each-ref")
        self._count = 0

    def __enter__(self) -> Self:
        command = ["git", "-C", str(self._root), "fast-import", "--quiet"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE)
        return self

    def add(self, subject: str, changes: Mapping[str, bytes | None]) -> None:
        """One more commit; None removes a file."""
        time_s = _BEGIN_S + self._count * _STEP_S
        self._say(f"commit {_BRANCH}\ncommitter Fleet <fleet@example.com> {time_s} +0000\n")
        self._data(subject.encode())
        if not self._count and not self._is_first:
            self._say(f"from {_BRANCH}^0\n")
        for path, content in changes.items():
            if content is None:
                self._say(f"D {path}\n")
            else:
                self._say(f"M 100644 inline {path}\n")
                self._data(content)
        self._count += 1

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait() == 0 or kind
        git(self._root, "reset", "--quiet", "--hard")

    def _say(self, words: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(words.encode())

    def _data(self, content: bytes) -> None:
        self._say(f"data {len(content)}\n")
        assert self._process.stdin is not None
        self._process.stdin.write(content + b"\n")
