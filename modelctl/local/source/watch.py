"""Notices changes in folders: by events of the file system, through one watcher.

An event only says that it is worth looking; what is there now, whoever looks finds out. So no
event is read, and one that is lost costs the time until the next look.
"""

import asyncio
import contextlib
import ctypes
import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

# From <sys/inotify.h>: written and closed, moved from, moved to, created, deleted, the folder
# itself deleted or moved; and only folders are watched.
_EVENTS = 0x8 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800 | 0x01000000
_READ_BYTES = 1 << 16
_MOUNTS = Path("/proc/self/mountinfo")
# File systems that other machines write to, which this kernel does not see.
_REMOTE = frozenset(
    {"9p", "afs", "ceph", "cifs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"}
    | {"vboxsf", "virtiofs", "vmhgfs", "prl_fs", "drvfs"}
)
_LIMITS = {
    errno.ENOSPC: "fs.inotify.max_user_watches",
    errno.EMFILE: "fs.inotify.max_user_instances",
}


class Watch:
    """Wakes one waiter when something changes in the folders that it covers.

    Use it as a context, within a running event loop.
    """

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = -1
        self._fault = ""
        self._changed = asyncio.Event()

    def __enter__(self) -> Self:
        descriptor = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if descriptor < 0:
            self._fault = _told(ctypes.get_errno())
        else:
            self._descriptor = descriptor
            asyncio.get_running_loop().add_reader(descriptor, self._drain)
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def cover(self, folders: Iterable[Path]) -> str:
        """Watch these folders too; gives why changes in them would not be noticed, or "".

        A folder that is watched already costs one system call, one that is not there is passed
        over. Call it before each look, so that nothing changes unseen in between.
        """
        if self._fault:
            return self._fault
        devices: set[int] = set()
        for folder in folders:
            name = os.fsencode(folder)
            if self._libc.inotify_add_watch(self._descriptor, name, _EVENTS) < 0:
                number = ctypes.get_errno()
                if number not in (errno.ENOENT, errno.ENOTDIR):
                    return f"{folder}: {_told(number)}"
                continue
            with contextlib.suppress(OSError):
                devices.add(folder.stat().st_dev)
        kinds = ((kind, place) for kind, place in map(_mounted, devices) if kind in _REMOTE)
        kind, place = next(kinds, ("", ""))
        return f"{place} is on {kind}, which other machines may write to" if kind else ""

    async def changed(self, limit_s: float) -> bool:
        """Wait for a change since the last wait, or so long; whether there was one."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self._changed.wait()
        seen = self._changed.is_set()
        self._changed.clear()
        return seen

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._descriptor, _READ_BYTES)
        self._changed.set()


def _told(number: int) -> str:
    limit = _LIMITS.get(number)
    remedy = f"; raise {limit} with sysctl" if limit else ""
    return f"changes cannot be watched: {os.strerror(number)}{remedy}"


def _mounted(device: int) -> tuple[str, str]:
    """Type and place of the file system of a device; empty where the kernel does not tell."""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with contextlib.suppress(OSError):
        for line in _MOUNTS.read_text("utf-8", "replace").splitlines():
            before, _, after = line.partition(" - ")
            _, _, number, _, place, *_ = before.split(" ")
            if number == wanted:
                return after.split(" ", 1)[0].removeprefix("fuse."), place
    return "", ""
