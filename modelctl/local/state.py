"""The state folder of a local engine: what lies where in it, and who may use it."""

import fcntl
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from modelctl.errors import GitError, UsageError
from modelctl.repo import git

# `modelctl status` holds the lock for a moment too, so one failure says nothing.
_TRIES = 5
_BETWEEN_TRIES_S = 0.02
_HOLDER_BYTES = 256  # of the lock's content: the next holder's fits into the same place


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Where everything lies that `modelctl up` keeps; all of it can be made again."""

    root: Path

    @property
    def good(self) -> Path:
        """The last good commit of each model."""
        return self.root / "good"

    @property
    def lock(self) -> Path:
        """Locked by the `modelctl up` that owns this folder, with who that is."""
        return self.root / "lock"

    @property
    def logs(self) -> Path:
        """One log file a process."""
        return self.root / "logs"

    @property
    def envoy(self) -> Path:
        """Envoy's configuration files."""
        return self.root / "envoy"

    @property
    def files(self) -> Path:
        """Artifacts exported from commits, one folder a set of bytes."""
        return self.root / "files"

    @property
    def cache(self) -> Path:
        """The model servers' cache of verified artifacts."""
        return self.root / "artifacts"

    @property
    def mirror(self) -> Path:
        """The bare mirror of a repository that is followed by URL."""
        return self.root / "mirror.git"

    def create(self) -> None:
        """Make the folders; where they are there, nothing is written.

        Raises:
            UsageError: They cannot be made.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.logs, self.envoy, self.files, self.cache):
                folder.mkdir(exist_ok=True)
            if not (self.root / ".gitignore").is_file():
                (self.root / ".gitignore").write_text("*\n", encoding="utf-8")
        except OSError as error:
            message = f"the state directory {self.root} cannot be made: {error.strerror}"
            raise UsageError(f"{message}; choose another with --state DIR") from error


def default_state() -> Path:
    """`.modelctl` in the root of the work tree around, or in the current folder."""
    try:
        return git.top_level(Path.cwd()) / ".modelctl"
    except GitError:
        return Path.cwd() / ".modelctl"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a state folder: its process, and where it answers; 0 and "" for not known yet."""

    pid: int = 0
    page: str = ""


class Lock:
    """The exclusive claim on a state folder; the kernel drops it when the process ends."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Claim the folder.

        Raises:
            UsageError: Another process holds it; the message has its id.
        """
        descriptor = os.open(self._folder.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _claim(descriptor)
        except OSError as error:
            os.close(descriptor)
            pid = (holder(self._folder) or Holder()).pid
            raise UsageError(
                f"another `modelctl up` (process {pid or 'unknown'}) runs on "
                f"{self._folder.root}; stop it, or give this one its own folder with --state DIR"
            ) from error
        self._descriptor = descriptor
        self.tell("")
        return self

    def tell(self, page: str) -> None:
        """Say where the holder answers; on a full disk, in the place of what was said before."""
        told = json.dumps({"pid": os.getpid(), "page": page}).encode().ljust(_HOLDER_BYTES)
        with suppress(OSError):  # who asks then hears that it cannot be told
            os.pwrite(self._descriptor, told, 0)

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _claim(descriptor: int) -> None:
    """Lock the open file, or raise `OSError` after several tries."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_BETWEEN_TRIES_S)
        else:
            return
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def holder(folder: StateFolder) -> Holder | None:
    """Who runs on the folder now; None for nobody."""
    try:
        descriptor = os.open(folder.lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        found = read_json(folder.lock)
        fields = found if isinstance(found, dict) else {}
        pid, page = fields.get("pid"), fields.get("page")
        return Holder(pid if isinstance(pid, int) else 0, page if isinstance(page, str) else "")
    finally:
        os.close(descriptor)
    return None


def read_json(path: Path) -> object:
    """The JSON value in a file; None where there is no such file, or no JSON in it."""
    try:
        value: object = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value
