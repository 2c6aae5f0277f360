"""The state folder of a local engine: what lies where in it, and who may use it."""

import fcntl
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from modelctl.atomic import write_atomically
from modelctl.errors import GitError, UsageError
from modelctl.repo import git

# `modelctl status` holds the lock for a moment too, so one failure says nothing.
_TRIES = 5
_BETWEEN_TRIES_S = 0.02


@dataclass(frozen=True, slots=True)
class StateFolder:
    """Where everything lies that `modelctl up` keeps; all of it can be made again."""

    root: Path

    @property
    def status(self) -> Path:
        """The last status, as JSON."""
        return self.root / "status.json"

    @property
    def good(self) -> Path:
        """The last revision that was served as git says."""
        return self.root / "good.json"

    @property
    def lock(self) -> Path:
        """Locked by the `modelctl up` that owns this folder."""
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
        """Make the folders.

        Raises:
            UsageError: They cannot be made.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.logs, self.envoy, self.files, self.cache):
                folder.mkdir(exist_ok=True)
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
            holder = os.read(descriptor, 200).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise UsageError(
                f"another `modelctl up` (process {holder}) runs on {self._folder.root}; "
                "stop it, or give this one its own folder with --state DIR"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._descriptor = descriptor
        return self

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


def is_held(folder: StateFolder) -> bool:
    """Whether a `modelctl up` runs on the folder now."""
    try:
        descriptor = os.open(folder.lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def read_json(path: Path) -> object:
    """The JSON value in a file; None where there is no such file, or no JSON in it."""
    try:
        value: object = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value


def recall_good(folder: StateFolder, source: str, environment: str) -> str | None:
    """The revision that an earlier run served from the same source, or None."""
    saved = read_json(folder.good)
    same = isinstance(saved, dict) and (saved.get("source"), saved.get("environment")) == (
        source,
        environment,
    )
    revision = saved.get("revision") if isinstance(saved, dict) and same else None
    return revision if isinstance(revision, str) else None


def remember_good(folder: StateFolder, source: str, environment: str, revision: str) -> None:
    """Note the revision that is served now.

    Raises:
        OSError: It cannot be written.
    """
    if recall_good(folder, source, environment) != revision:
        note = {"source": source, "environment": environment, "revision": revision}
        write_atomically(folder.good, json.dumps(note).encode())
