"""An artifact becomes a verified local file: fetched once into a content-addressed cache.

`CACHE_DIR/sha256/<hex>` is a finished file. `<hex>.partial` is what a transfer has brought so far;
the next attempt goes on from there. `<hex>.lock` lets one process transfer while others wait. A
file gets its final name only once its digest was right, and it is verified again at every start.
So nothing needs to wait until the disk has written it: what a power failure takes is fetched again.
"""

import errno
import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from modelserver.artifact import sources
from modelserver.errors import (
    ArtifactDigestWrong,
    ArtifactSizeWrong,
    ArtifactTruncated,
    ArtifactUnreachable,
    CacheFull,
    CacheUnusable,
)
from modelserver.observe import logs

ATTEMPTS = 5
"""Transfers that are tried before a start is given up: with the waits between them, 4 s."""

_BACKOFF_S = 0.25  # before the second attempt; doubled before each further one
_CHUNK_BYTES = 1 << 20  # held in memory at once
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # disk, quota, largest file


@dataclass(frozen=True, slots=True)
class Artifact:
    """What to fetch, and what it must be.

    No more than `max_bytes` are transferred; where it is `exact` the size must be that number.
    """

    uri: str
    sha256: str
    max_bytes: int
    exact: bool = True


def obtain(artifact: Artifact, *, cache_dir: Path, root: Path) -> Path:
    """Path of a file with exactly the declared bytes; relative `file:` URIs begin at `root`.

    Raises:
        StartError: One of the artifact's and the cache's errors. Nothing that is wrong keeps its
            final name.
    """
    try:
        folder = cache_dir / "sha256"
        folder.mkdir(parents=True, exist_ok=True)
        final = folder / artifact.sha256
        with _lock(final.with_suffix(".lock")):
            if not _cached(final, artifact):
                partial = final.with_suffix(".partial")
                _transfer(artifact, partial, root)
                _publish(partial, final)
    except OSError as error:
        raise _cache_error(error, cache_dir) from error
    return final


def verify(path: Path, artifact: Artifact) -> None:
    """Return if the file has the declared size and digest.

    Raises:
        ArtifactSizeWrong: It has another size.
        ArtifactDigestWrong: It has the size, but other bytes.
    """
    with path.open("rb") as file:
        _check_size(os.fstat(file.fileno()).st_size, artifact)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != artifact.sha256:
        raise ArtifactDigestWrong(
            f"{logs.without_credentials(artifact.uri)}: found sha256 {digest}, "
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


def _cached(final: Path, artifact: Artifact) -> bool:
    """Whether the cache has the right bytes; wrong ones are removed."""
    if not final.exists():
        return False
    try:
        verify(final, artifact)
    except (ArtifactSizeWrong, ArtifactDigestWrong) as error:
        logs.warning("cache-entry-damaged", path=str(final), detail=str(error))
        final.unlink()
        return False
    logs.info("artifact-cached", path=str(final))
    return True


def _transfer(artifact: Artifact, partial: Path, root: Path) -> None:
    """Bring the whole artifact into `partial`, from where an earlier transfer stopped."""
    for attempt in count(1):
        resumed = partial.exists() and partial.stat().st_size > 0
        try:
            _append(artifact, partial, root)
            verify(partial, artifact)
        except (ArtifactUnreachable, ArtifactTruncated) as error:
            if attempt == ATTEMPTS:
                raise
            logs.warning("artifact-transfer-failed", attempt=attempt, detail=str(error))
            time.sleep(_BACKOFF_S * 2 ** (attempt - 1))
        except (ArtifactSizeWrong, ArtifactDigestWrong):
            partial.unlink(missing_ok=True)
            if not resumed:  # bytes of an earlier transfer may be what was wrong: try afresh
                raise
        except OSError:
            partial.unlink(missing_ok=True)  # leave the room to others
            raise
        else:
            return


def _append(artifact: Artifact, partial: Path, root: Path) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    have = have if have < artifact.max_bytes else 0
    with sources.open_stream(artifact.uri, root=root, offset=have) as stream:
        if stream.total_bytes is not None:
            _check_size(stream.total_bytes, artifact)
        with partial.open("r+b" if stream.offset else "wb") as file:
            file.seek(stream.offset)
            room = artifact.max_bytes + 1 - stream.offset
            while room > 0 and (chunk := stream.read(min(room, _CHUNK_BYTES))):
                file.write(chunk)
                room -= len(chunk)
    _check_complete(partial.stat().st_size, stream.total_bytes, artifact)


def _check_complete(found: int, announced: int | None, artifact: Artifact) -> None:
    if announced is not None and found < announced:
        raise ArtifactTruncated(
            f"{logs.without_credentials(artifact.uri)}: the transfer ended after {found} of "
            f"{announced} bytes; check the source and the way to it"
        )


def _publish(partial: Path, final: Path) -> None:
    partial.chmod(0o444)
    partial.replace(final)


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold the lock of one file in the cache; the kernel frees it when the process dies."""
    with path.open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logs.info("artifact-wait", detail="another process fetches the same artifact")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _cache_error(error: OSError, cache_dir: Path) -> CacheFull | CacheUnusable:
    if error.errno in _FULL:
        return CacheFull(f"{cache_dir}: {error.strerror}; make room or enlarge the cache volume")
    return CacheUnusable(f"{cache_dir}: {error}; CACHE_DIR must be a folder this user can write")
