"""Files from a repository: whole and of the right digest, or not there at all."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.urls import open_url

from .faults import BundleError

ATTEMPTS = 4
_BLOCK_BYTES = 1 << 20
_RESUMED = 206
_CLIENT_ERRORS = range(400, 500)
_PART = ".part"


@dataclass(frozen=True)
class File:
    """A file to fetch: its path below the bundle, its address, and what it must be."""

    path: str
    url: str
    sha256: str
    size_bytes: int


def digest(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_held(file: File, root: Path) -> bool:
    """Whether the file is below `root` with its size and digest; a link does not count."""
    path = root / file.path
    if path.is_symlink() or not path.is_file() or path.stat().st_size != file.size_bytes:
        return False
    return digest(path) == file.sha256


def read(url: str, *, limit_bytes: int, timeout_s: float) -> bytes:
    """Content of a small file. Raises BundleError past `limit_bytes` or when it cannot be had."""
    with _told(url):
        for attempt in range(ATTEMPTS):
            try:
                with open_url(url, timeout=timeout_s) as answer:
                    content = bytes(answer.read(limit_bytes + 1))
            except OSError as error:
                _wait_or_raise(error, attempt)
                continue
            if len(content) > limit_bytes:
                raise BundleError(
                    url,
                    found=f"more than {limit_bytes} bytes",
                    expected="no more than the signed release names",
                    remedy="check the address; a portal may have answered instead of the publisher",
                )
            return content
    raise AssertionError


def read_listed(file: File, *, timeout_s: float) -> bytes:
    """Content of a file, of exactly the size and digest that it must have."""
    content = read(file.url, limit_bytes=file.size_bytes, timeout_s=timeout_s)
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise _changed(file, f"sha256 {found} over {len(content)} bytes")
    return content


def fetch(file: File, root: Path, *, timeout_s: float) -> None:
    """Bring the file below `root`, from where an earlier attempt had stopped.

    What is incomplete lies beside it as `.part`; the name appears with the right digest only.
    """
    path = root / file.path
    part = path.with_name(path.name + _PART)
    with _told(file.url):
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        resumed = part.exists()
        _complete(file, part, timeout_s=timeout_s)
        if resumed and digest(part) != file.sha256:
            part.unlink()
            _complete(file, part, timeout_s=timeout_s)
        found = digest(part)
        if found != file.sha256:
            part.unlink()
            raise _changed(file, f"sha256 {found}")
        _place(part, path)


def write(content: bytes, path: Path) -> bool:
    """Put the content at a path at once; whether that changed anything."""
    if not path.is_symlink() and path.is_file() and path.read_bytes() == content:
        return False
    part = path.with_name(path.name + _PART)
    with _told(str(path)):
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        part.write_bytes(content)
        _place(part, path)
    return True


def check_space(files: list[File], root: Path, *, limit_bytes: int) -> int:
    """Bytes that are missing below `root`; BundleError when they pass the limit or the disk."""
    wanted = sum(file.size_bytes for file in files)
    if wanted > limit_bytes:
        raise BundleError(
            f"Bundle {root}",
            found=f"{wanted} bytes of packages to fetch",
            expected=f"no more than {limit_bytes}",
            remedy="raise bundle_packages_max_bytes, or bundle fewer distributions",
        )
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if wanted > free:
        raise _full(f"Bundle {root}", f"{free} bytes free", f"{wanted} bytes for packages")
    return wanted


def _complete(file: File, part: Path, *, timeout_s: float) -> None:
    for attempt in range(ATTEMPTS):
        try:
            _continue(file, part, timeout_s=timeout_s)
        except OSError as error:
            _wait_or_raise(error, attempt)
        else:
            return


def _continue(file: File, part: Path, *, timeout_s: float) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have > file.size_bytes:
        part.unlink()
        have = 0
    if part.exists() and have == file.size_bytes:
        return
    headers = {"Range": f"bytes={have}-"} if have else {}
    with open_url(file.url, headers=headers, timeout=timeout_s) as answer:
        is_resumed = bool(have) and answer.getcode() == _RESUMED
        with part.open("ab" if is_resumed else "wb") as kept:
            _copy(answer, kept, file.size_bytes - (have if is_resumed else 0))
            found = kept.tell()
    if found > file.size_bytes:
        part.unlink()
        raise _changed(file, f"more than {file.size_bytes} bytes")
    if found < file.size_bytes:
        raise ConnectionError(f"the answer ended after {found} of {file.size_bytes} bytes")


def _copy(source: Any, target: Any, limit_bytes: int) -> None:  # noqa: ANN401 - two kinds of streams
    """Copy up to one byte more than the limit, which the caller tells by the size."""
    left = limit_bytes + 1
    while left > 0 and (block := source.read(min(_BLOCK_BYTES, left))):
        target.write(block)
        left -= len(block)


def _place(part: Path, path: Path) -> None:
    part.chmod(0o644)
    part.replace(path)


def _wait_or_raise(error: OSError, attempt: int) -> None:
    is_refused = False
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        is_refused = error.code in _CLIENT_ERRORS
    is_local = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.ENOENT}
    if is_refused or is_local or attempt + 1 == ATTEMPTS:
        raise error
    time.sleep(2**attempt)


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Turn the system's errors into ones that name a remedy."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise _full(where, os.strerror(error.errno), "room for the bundle") from error
        raise BundleError(
            where,
            found=str(error),
            expected="the file",
            remedy="check the address, the network and the proxy, and run again: what is there "
            "is kept, and a part is continued",
        ) from error


def _full(where: str, found: str, expected: str) -> BundleError:
    return BundleError(
        where,
        found=found,
        expected=expected,
        remedy="make room or choose another bundle_directory, and run again",
    )


def _changed(file: File, found: str) -> BundleError:
    return BundleError(
        file.url,
        found=found,
        expected=f"sha256 {file.sha256} over {file.size_bytes} bytes, as the signed index says",
        remedy="run again in a while: the publisher may be in the middle of a release; when it "
        "stays, something between here and the publisher changes files",
    )
