"""An artifact becomes a file with exactly the declared bytes, fetched once for all who want it.

`CACHE_DIR/sha256` holds finished files under their digest, and what transfers have brought so far:
the next attempt goes on from there. Nobody who can write there is trusted. A file is hashed at
every start while nobody can change it, and what was hashed is what is loaded. So nothing needs to
wait until the disk has written it either: what a power failure takes is fetched again.
"""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Self, TypeVar

from modelserver.artifact import folder as folders
from modelserver.artifact import sources, still
from modelserver.artifact.folder import Folder, Landing
from modelserver.artifact.still import Still
from modelserver.artifact.stream import Stream
from modelserver.errors import (
    ArtifactDigestWrong,
    ArtifactSizeWrong,
    ArtifactTruncated,
    ArtifactUnreachable,
    CacheFull,
    CacheUnusable,
    StartError,
)
from modelserver.observe import logs

ATTEMPTS = 5
"""Transfers that are tried before a start is given up: with the waits between them, 4 s."""

_BACKOFF_S = 0.25  # before the second attempt; doubled before each further one
_CHUNK_BYTES = 1 << 20  # held in memory at once
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # disk, quota, largest file

Result = TypeVar("Result")
Hold = Callable[[int, int], Still]


@dataclass(frozen=True, slots=True)
class Artifact:
    """What to fetch, and what it must be.

    No more than `max_bytes` are transferred; where it is `exact` the size must be that number.
    """

    uri: str
    sha256: str
    max_bytes: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Cache:
    """The artifacts that this process uses; relative `file:` URIs begin at `root`.

    What was used stays in use until the cache is closed, or the process ends: no other process
    removes it to make room.
    """

    cache_dir: Path
    root: Path
    _used: list[int] = field(default_factory=list)

    def use(self, artifact: Artifact, work: Callable[[Path], Result]) -> Result:
        """What `work` gives from the path of a file with exactly the declared bytes.

        The path holds during `work` alone. Where somebody wants to change these bytes meanwhile,
        `work` is done again on bytes that nobody can change.

        Raises:
            StartError: One of the artifact's and the cache's errors, or one of `work`.
        """
        with self._verified(artifact, still.hold) as file:
            try:
                result = work(file.path)
            except StartError:
                if file.has_stood():
                    raise
            else:
                if file.has_stood():
                    return result
                del result  # it may be large
        logs.warning(
            "artifact-contested",
            sha256=artifact.sha256,
            detail=f"somebody writes to it in {self.cache_dir}; it is loaded from a copy in memory",
        )
        with self._verified(artifact, still.seal) as file:
            return work(file.path)

    def close(self) -> None:
        """Use nothing any more."""
        while self._used:
            os.close(self._used.pop())

    def __enter__(self) -> Self:
        """The cache itself, to be closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @contextmanager
    def _verified(self, artifact: Artifact, hold: Hold) -> Iterator[Still]:
        """The artifact, which nobody can change, or at least not without being noticed."""
        try:
            folder = folders.open_folder(self.cache_dir / "sha256")
            try:
                file = self._find(folder, artifact, hold) or self._fetch(folder, artifact, hold)
            finally:
                folder.close()
        except OSError as error:
            raise _cache_error(error, self.cache_dir) from error
        with file:
            yield file

    def _find(self, folder: Folder, artifact: Artifact, hold: Hold) -> Still | None:
        """What the cache has, if that is right."""
        descriptor = folder.find(artifact.sha256)
        if descriptor is None:
            return None
        try:
            file = _held(descriptor, artifact, hold)
        except (ArtifactSizeWrong, ArtifactDigestWrong) as error:
            os.close(descriptor)
            logs.warning("cache-entry-damaged", name=artifact.sha256, detail=str(error))
            return None
        self._used.append(descriptor)
        logs.info("artifact-cached", path=str(self.cache_dir / "sha256" / artifact.sha256))
        return file

    def _fetch(self, folder: Folder, artifact: Artifact, hold: Hold) -> Still:
        with folder.landing(artifact.sha256) as landing:
            # Another process may have fetched it while this one waited for its turn.
            if file := self._find(folder, artifact, hold):
                folder.discard(landing)
                return file
            try:
                return self._brought(folder, landing, artifact, hold)
            except (ArtifactSizeWrong, ArtifactDigestWrong) as error:
                # Bytes of an earlier transfer may be wrong, or somebody wrote to the file.
                logs.warning("artifact-fetched-anew", detail=str(error))
            with folder.unshared(artifact.sha256) as own:
                return self._brought(folder, own, artifact, hold)

    def _brought(self, folder: Folder, landing: Landing, artifact: Artifact, hold: Hold) -> Still:
        """What a transfer brings, kept under its final name."""
        file = _Transfer(artifact, self.root, folder, landing).run(hold)
        folder.publish(landing, artifact.sha256)
        self._used.append(os.dup(landing.descriptor))
        folders.mark_used(landing.descriptor)
        return file


@dataclass(frozen=True, slots=True)
class _Transfer:
    artifact: Artifact
    root: Path
    folder: Folder
    landing: Landing

    def run(self, hold: Hold) -> Still:
        """Bring the whole artifact, from where an earlier transfer stopped."""
        for attempt in count(1):
            try:
                self._append()
                return _held(self.landing.descriptor, self.artifact, hold)
            except (ArtifactUnreachable, ArtifactTruncated) as error:
                if attempt == ATTEMPTS:
                    raise
                logs.warning("artifact-transfer-failed", attempt=attempt, detail=str(error))
                time.sleep(_BACKOFF_S * 2 ** (attempt - 1))
            except (ArtifactSizeWrong, ArtifactDigestWrong):
                self.folder.write(self.landing, 0, iter(()))
                raise
            except OSError:
                self.folder.discard(self.landing)  # leave the room to others
                raise
        raise AssertionError  # the loop has no end

    def _append(self) -> None:
        artifact, have = self.artifact, self.landing.size_bytes()
        have = have if have < artifact.max_bytes else 0
        with sources.open_stream(
            artifact.uri, root=self.root, offset=have, sha256=artifact.sha256
        ) as stream:
            if stream.total_bytes is not None:
                _check_size(stream.total_bytes, artifact)
            room = artifact.max_bytes + 1 - stream.offset
            self.folder.write(self.landing, stream.offset, _chunks(stream, room))
        found, announced = self.landing.size_bytes(), stream.total_bytes
        if announced is not None and found < announced:
            raise ArtifactTruncated(
                f"{logs.without_credentials(artifact.uri)}: the transfer ended after {found} of "
                f"{announced} bytes; check the source and the way to it"
            )


def _chunks(stream: Stream, room: int) -> Iterator[bytes]:
    while room > 0 and (chunk := stream.read(min(room, _CHUNK_BYTES))):
        yield chunk
        room -= len(chunk)


def _held(descriptor: int, artifact: Artifact, hold: Hold) -> Still:
    """The bytes of a file, which have the declared size and digest.

    Raises:
        ArtifactSizeWrong: They have another size.
        ArtifactDigestWrong: They have the size, but are other bytes.
    """
    _check_size(os.fstat(descriptor).st_size, artifact)  # before they are copied, perhaps
    file = hold(descriptor, artifact.max_bytes)
    try:
        _check_size(file.size_bytes(), artifact)
        _check_digest(file.sha256(), artifact)
    except BaseException:
        file.close()
        raise
    return file


def _check_digest(found: str, artifact: Artifact) -> None:
    if found != artifact.sha256:
        raise ArtifactDigestWrong(
            f"{logs.without_credentials(artifact.uri)}: found sha256 {found}, "
            f"expected {artifact.sha256}; publish the declared bytes or make a new release"
        )


def _check_size(found: int, artifact: Artifact) -> None:
    wrong = found != artifact.max_bytes if artifact.exact else found > artifact.max_bytes
    if wrong:
        bound = "" if artifact.exact else "at most "
        raise ArtifactSizeWrong(
            f"{logs.without_credentials(artifact.uri)}: found {found} bytes, "
            f"expected {bound}{artifact.max_bytes}; publish these bytes or make a new release"
        )


def _cache_error(error: OSError, cache_dir: Path) -> CacheFull | CacheUnusable:
    if error.errno in _FULL:
        return CacheFull(f"{cache_dir}: {error.strerror}; make room or enlarge the cache volume")
    return CacheUnusable(
        f"{cache_dir}: {error}; CACHE_DIR must be a folder that this user can write, "
        "or one that holds the right file already"
    )
