"""The folder in which artifacts are kept, on the assumption that others write into it as well.

`<hex>` is a finished file, `<hex>.partial` what a transfer has brought so far. Whoever transfers
holds an exclusive lock on the partial file, whoever serves a finished one a shared lock on that.
Names are looked up in the open folder, links are not followed, nothing waits for a pipe, and what
is neither a regular file nor one's own is never written to.
"""

import errno
import fcntl
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from modelserver.observe import logs

STALLED_S = 90.0
"""A transfer of another process that brings nothing for so long is not waited for any more: longer
than a source may be silent, and all retries, and the hashing of a large file."""

_LOOK_S = 0.1  # between two looks at a transfer of another process
_TRIES = 8  # to take a name that others keep changing
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FULL = (errno.ENOSPC, errno.EDQUOT)  # disk, quota
_KEPT = re.compile(r"[0-9a-f]{64}(\.[0-9a-f]{8})?(?P<partial>\.partial)?")


@dataclass(frozen=True, slots=True)
class Landing:
    """A file of this process alone, in which a transfer arrives: open for reading, and locked."""

    descriptor: int
    name: str

    def size_bytes(self) -> int:
        """What has arrived so far."""
        return os.fstat(self.descriptor).st_size


@dataclass(frozen=True, slots=True)
class Folder:
    """The open folder."""

    descriptor: int

    def close(self) -> None:
        """Close it; files that were opened from it stay open."""
        os.close(self.descriptor)

    def find(self, name: str) -> int | None:
        """A descriptor of a finished file, marked as in use; None where no regular file is."""
        try:
            descriptor = self._open_file(name)
        except FileNotFoundError:
            return None
        except OSError as error:
            logs.warning("cache-entry-strange", name=name, detail=str(error))
            return None
        mark_used(descriptor)
        return descriptor

    @contextmanager
    def landing(self, name: str) -> Iterator[Landing]:
        """Where to put what becomes `name`; nobody else transfers the same meanwhile.

        An empty one is removed at the end.

        Raises:
            OSError: The folder cannot be written.
        """
        with self._until_landed(self._partial(f"{name}.partial") or self._unshared(name)) as found:
            yield found

    @contextmanager
    def unshared(self, name: str) -> Iterator[Landing]:
        """As `landing`, under a name that nobody can foresee."""
        with self._until_landed(self._unshared(name)) as found:
            yield found

    @contextmanager
    def _until_landed(self, landing: Landing) -> Iterator[Landing]:
        try:
            yield landing
        finally:
            if not landing.size_bytes():
                self.discard(landing)
            os.close(landing.descriptor)

    def write(self, landing: Landing, offset: int, chunks: Iterator[bytes]) -> None:
        """Let the file consist of its first `offset` bytes and these; make room if there is none.

        Raises:
            OSError: It cannot be written.
        """
        flags = os.O_WRONLY | os.O_CLOEXEC
        descriptor = os.open(f"/proc/self/fd/{landing.descriptor}", flags)
        try:
            os.ftruncate(descriptor, offset)
            os.lseek(descriptor, offset, os.SEEK_SET)
            for chunk in chunks:
                self._write_all(descriptor, memoryview(chunk))
        finally:
            os.close(descriptor)

    def publish(self, landing: Landing, name: str) -> None:
        """Give a file its final name, whatever bears it now.

        A folder in which that cannot be done is no fault of the release: it is logged.
        """
        try:
            os.fchmod(landing.descriptor, 0o444)
            os.replace(landing.name, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        except OSError as error:
            logs.warning("artifact-not-kept", name=name, detail=str(error))

    def discard(self, landing: Landing) -> None:
        """Remove the file, if its name still names it."""
        if self._names(landing.name, landing.descriptor):
            with suppress(OSError):
                os.unlink(landing.name, dir_fd=self.descriptor)

    def make_room(self) -> bool:
        """Remove the file that was not used for the longest time, first of those half-arrived.

        False if every file is in use, or none is left.
        """
        return any(self._evict(name) for name in self._by_age())

    def _by_age(self) -> list[str]:
        found = []
        with os.scandir(self.descriptor) as entries:
            for entry in entries:
                match = _KEPT.fullmatch(entry.name)
                if match and entry.is_file(follow_symlinks=False):
                    used_s = entry.stat(follow_symlinks=False).st_mtime
                    found.append((match["partial"] is None, used_s, entry.name))
        return [name for *_, name in sorted(found)]

    def _evict(self, name: str) -> bool:
        try:
            descriptor = self._open_file(name)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name, dir_fd=self.descriptor)
        except OSError:  # in use, or another user's
            return False
        else:
            logs.warning("artifact-evicted", name=name, detail="the disk is full")
            return True
        finally:
            os.close(descriptor)

    def _write_all(self, descriptor: int, content: memoryview) -> None:
        while content:
            try:
                content = content[os.write(descriptor, content) :]
            except OSError as error:
                if error.errno not in _FULL or not self.make_room():
                    raise

    def _partial(self, name: str) -> Landing | None:
        """The partial file, locked; None where others stand in the way."""
        for _ in range(_TRIES):
            try:
                descriptor = self._open_own(name)
                if self._lock(name, descriptor):
                    return Landing(descriptor, name)
                os.close(descriptor)
            except (FileNotFoundError, FileExistsError):
                continue  # somebody came in between
            except OSError:
                return None
        return None

    def _open_own(self, name: str) -> int:
        """A descriptor of one's own file of this name; what else bears the name is removed."""
        with suppress(FileNotFoundError):
            if _is_own(os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)):
                descriptor = self._open_file(name)
                if _is_own(os.fstat(descriptor)):
                    return descriptor
                os.close(descriptor)
            logs.warning("partial-file-removed", name=name, detail="it is no file of this user")
            os.unlink(name, dir_fd=self.descriptor)
        return self._create(name)

    def _lock(self, name: str, descriptor: int) -> bool:
        """Whether the file is locked now, and still bears its name; waits for who holds it."""
        size_bytes, since_s = -1, time.monotonic()
        while self._names(name, descriptor):
            with suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return self._names(name, descriptor)
            if size_bytes < 0:
                logs.info("artifact-wait", detail="another process fetches the same artifact")
            if (found := os.fstat(descriptor).st_size) != size_bytes:
                size_bytes, since_s = found, time.monotonic()
            if time.monotonic() - since_s > STALLED_S:
                logs.warning("artifact-wait-over", detail=f"nothing came for {STALLED_S:g} s")
                os.unlink(name, dir_fd=self.descriptor)
                return False
            time.sleep(_LOOK_S)
        return False

    def _unshared(self, name: str) -> Landing:
        """A file under a name that nobody can foresee."""
        unshared = f"{name}.{os.urandom(4).hex()}.partial"
        descriptor = self._create(unshared)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return Landing(descriptor, unshared)

    def _create(self, name: str) -> int:
        flags = _READ | os.O_CREAT | os.O_EXCL
        while True:
            try:
                return os.open(name, flags, 0o600, dir_fd=self.descriptor)
            except OSError as error:
                if error.errno not in _FULL or not self.make_room():
                    raise

    def _open_file(self, name: str) -> int:
        """A descriptor of a regular file.

        Raises:
            OSError: It is none, or cannot be opened.
        """
        descriptor = os.open(name, _READ, dir_fd=self.descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "expected a regular file", name)
        return descriptor

    def _names(self, name: str, descriptor: int) -> bool:
        try:
            found = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except OSError:
            return False
        return os.path.samestat(found, os.fstat(descriptor))


def open_folder(path: Path) -> Folder:
    """The folder of a path, made if it is not there.

    Raises:
        OSError: It cannot be made, or is no folder.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return Folder(os.open(path, flags))
    except FileNotFoundError:
        path.mkdir(parents=True, exist_ok=True)
        return Folder(os.open(path, flags))


def mark_used(descriptor: int) -> None:
    """Say that a file is in use, until the descriptor is closed, and was used just now."""
    with suppress(OSError):  # another one is about to remove it: then it is not kept
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    with suppress(OSError):  # another user's, or a folder that is read-only
        os.utime(descriptor)


def _is_own(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and status.st_nlink == 1
