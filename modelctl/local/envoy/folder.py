"""Where Envoy's files lie: in memory, so that a full disk holds back no change of routes."""

import hashlib
import os
import shutil
from pathlib import Path

from modelctl.errors import UsageError
from modelctl.local.state import StateFolder

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own in it, refused if it is not ours


def files_of(state: StateFolder, memory: Path = _MEMORY) -> Path:
    """The folder for Envoy's files; the state folder's where this machine has none in memory."""
    if not memory.is_dir() or not os.access(memory, os.W_OK):
        return state.envoy
    digest = hashlib.sha256(str(state.root).encode()).hexdigest()[:16]
    return memory / f"modelctl-{os.getuid()}-{digest}"


def make(folder: Path, *, memory: Path = _MEMORY) -> None:
    """Make the folder, for this user alone.

    Raises:
        UsageError: What lies there is somebody else's, or open to others.
        OSError: It cannot be made.
    """
    if not folder.is_symlink():
        folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not folder.is_dir() or folder.is_symlink() or found.st_uid != os.getuid():
        raise UsageError(f"{folder}: expected a folder of this user's own; remove it")
    if folder.parent == memory and found.st_mode & 0o077:
        raise UsageError(f"{folder}: others may enter it, expected mode 0700; remove it")


def remove(folder: Path) -> None:
    """Remove the folder with all that lies in it."""
    shutil.rmtree(folder, ignore_errors=True)
