"""Bytes to a place and back, each read once on the way and held to their digest."""

import hashlib
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path

from modelctl.errors import StoreError
from modelctl.store import folder
from modelctl.store.place import UNKNOWN_BYTES, Place

Progress = Callable[[int], None]  # told how many bytes have passed, again and again


class Held(StrEnum):
    """What a place holds."""

    RIGHT = "right"
    MISSING = "missing"
    OTHER = "other"


def held(place: Place, sha256: str, size_bytes: int | None, progress: Progress) -> Held:
    """What a place holds, by its bytes; they are read only where their number is right.

    Raises:
        StoreError: The place does not answer, or refuses.
    """
    found_bytes = place.size_bytes()
    if found_bytes is None:
        return Held.MISSING
    if not found_bytes or found_bytes not in {size_bytes or found_bytes, UNKNOWN_BYTES}:
        return Held.OTHER
    digest = hashlib.sha256()
    for chunk in _counted(place.read(), progress):
        digest.update(chunk)
    return Held.RIGHT if digest.hexdigest() == sha256 else Held.OTHER


def upload(place: Place, source: Path, sha256: str, progress: Progress) -> None:
    """Write a file to a place, and read it back.

    Raises:
        StoreError: The file is not what its digest says, the place refuses, or it then holds
            other bytes.
    """
    size_bytes = source.stat().st_size
    chunks = _verified(folder.chunks_of(source), sha256, str(source))
    place.write(_counted(chunks, progress), size_bytes)
    if held(place, sha256, size_bytes, progress) is not Held.RIGHT:
        raise StoreError(
            f"{place.uri}: found other bytes there than were uploaded, expected SHA-256 {sha256}; "
            "look whether something between rewrites them, then push again"
        )


def download(root: Path, place: Place, sha256: str, progress: Progress) -> None:
    """Bring a file into the laptop's store.

    Raises:
        StoreError: The place does not answer, refuses, or holds other bytes.
    """
    folder.add(root, _counted(_verified(place.read(), sha256, place.uri), progress))


def _counted(chunks: Iterator[bytes], progress: Progress) -> Iterator[bytes]:
    passed_bytes = 0
    for chunk in chunks:
        passed_bytes += len(chunk)
        progress(passed_bytes)
        yield chunk


def _verified(chunks: Iterator[bytes], sha256: str, name: str) -> Iterator[bytes]:
    """The parts, the last of which comes only if all of them are what they should be."""
    digest, last = hashlib.sha256(), b""
    for chunk in chunks:
        digest.update(chunk)
        if last:
            yield last
        last = chunk
    if digest.hexdigest() != sha256:
        raise StoreError(
            f"{name}: found SHA-256 {digest.hexdigest()}, expected {sha256}; it is damaged: remove "
            "it there, and bring it again"
        )
    if last:
        yield last
