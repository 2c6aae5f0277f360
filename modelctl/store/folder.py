"""The laptop's store: artifacts by the SHA-256 of their bytes, in a folder that git ignores.

All work trees of a repository share it: it lies in the main one. A file in it is whole or not
there, and never changes; who reads one holds its bytes to the digest all the same.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from modelctl.errors import GitError, StoreError
from modelctl.repo import git, stored

_CHUNK_BYTES = 1 << 20  # more makes reading no faster
_READ_ONLY = 0o444  # a file that its name pins is never written to
_OWN = 0o700  # artifacts may be confidential


def of(root: Path) -> Path:
    """The store of the repository that `root` lies in: `.modelctl/store` of its main work tree."""
    try:
        return stored.folder(git.shared_folder(root))
    except GitError:
        return stored.folder(root / ".git")


def path(root: Path, sha256: str) -> Path | None:
    """The file that is stored under a digest; None where there is none. Its bytes are not read."""
    return stored.file_of(of(root), sha256)


def put(root: Path, content: bytes) -> str:
    """Store bytes, unless they are there already; gives their SHA-256.

    Raises:
        StoreError: They cannot be written; nothing of them is left.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    found = path(root, sha256)
    if found is None or digest_of(found) != sha256:
        add(root, [content])
    return sha256


def put_file(root: Path, source: Path) -> str:
    """Store a file's bytes, which are read once; gives their SHA-256.

    Raises:
        StoreError: They cannot be read or written; nothing of them is left.
    """
    return add(root, chunks_of(source))


def add(root: Path, chunks: Iterable[bytes]) -> str:
    """Store what comes in parts, under the SHA-256 of the whole, which it gives.

    Raises:
        StoreError: They cannot be written; nothing of them is left.
    """
    folder = _made(of(root))
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".part.", dir=folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        sha256 = _written(descriptor, chunks)
        Path(temporary).chmod(_READ_ONLY)
        Path(temporary).replace(folder / sha256)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        Path(temporary).unlink(missing_ok=True)
    return sha256


def digest_of(file: Path) -> str:
    """The SHA-256 of a file's bytes.

    Raises:
        StoreError: It cannot be read.
    """
    digest = hashlib.sha256()
    for chunk in chunks_of(file):
        digest.update(chunk)
    return digest.hexdigest()


def chunks_of(source: Path) -> Iterator[bytes]:
    """A file's bytes, in parts of a size that memory always has room for.

    Raises:
        StoreError: It cannot be read.
    """
    try:
        with source.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise StoreError(f"{source} cannot be read: {error.strerror}") from error


def _made(folder: Path) -> Path:
    """The folder, made where it was missing, and ignored by git in every repository."""
    ignored = folder.parent / ".gitignore"
    try:
        folder.mkdir(mode=_OWN, parents=True, exist_ok=True)
        if not ignored.is_file():
            ignored.write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise _unwritable(folder, error) from error
    return folder


def _written(descriptor: int, chunks: Iterable[bytes]) -> str:
    """Write the parts to the disk, not to its cache alone; gives the SHA-256 of them all."""
    digest = hashlib.sha256()
    with os.fdopen(descriptor, "wb") as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"the store {folder} cannot be written: {error.strerror}; make room, or the folder writable"
    )
