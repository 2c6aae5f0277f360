"""Bytes that stand still while they are hashed and loaded, whoever else may write to the file.

A digest says nothing about bytes that somebody can still change. A lease on a file makes the kernel
hold back whoever opens it for writing, and tell when somebody tried; it costs nothing. It needs a
file of this user (or the right CAP_LEASE), on a file system that has leases, that nobody has open
for writing. Elsewhere the bytes are copied into memory that is sealed against writing, which takes
the size of the file until it is closed.

Source: fcntl(2), "Leases"; memfd_create(2), file sealing.
"""

import fcntl
import hashlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


@dataclass(frozen=True, slots=True)
class Still:
    """An open file, either under a lease or sealed."""

    descriptor: int
    leased: bool

    @property
    def path(self) -> Path:
        """A name of these very bytes, for this process and those that inherit the descriptor."""
        return Path(f"/proc/self/fd/{self.descriptor}")

    def size_bytes(self) -> int:
        """How many bytes it has."""
        return os.fstat(self.descriptor).st_size

    def sha256(self) -> str:
        """The digest of its bytes."""
        with open(self.descriptor, "rb", closefd=False) as file:
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest()

    def has_stood(self) -> bool:
        """Whether nobody asked to write since it was taken.

        Who asks has to wait for `close`, or for so long as `fs.lease-break-time` says.
        """
        if not self.leased:
            return True
        return fcntl.fcntl(self.descriptor, fcntl.F_GETLEASE) == fcntl.F_RDLCK

    def close(self) -> None:
        """Let others write, or give the memory back."""
        os.close(self.descriptor)

    def __enter__(self) -> Self:
        """The file itself, to be closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def hold(descriptor: int, max_bytes: int) -> Still:
    """The bytes of an open regular file, under a lease if there can be one, else sealed.

    Raises:
        OSError: Neither can be done.
    """
    again = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Instead of SIGIO, which would end the process; this one does nothing by itself.
        fcntl.fcntl(again, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(again, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError:
        os.close(again)
        return seal(descriptor, max_bytes)
    return Still(again, leased=True)


def seal(descriptor: int, max_bytes: int) -> Still:
    """The bytes of an open regular file, copied; of those past `max_bytes` only the first.

    Raises:
        OSError: The file cannot be read, or memory is short.
    """
    memory = os.memfd_create("artifact", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        copied, wanted = 0, max_bytes + 1
        while copied < wanted:
            sent = os.sendfile(memory, descriptor, copied, wanted - copied)
            if not sent:
                break
            copied += sent
        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(memory)
        raise
    return Still(memory, leased=False)
