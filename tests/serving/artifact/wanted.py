"""The artifact that these tests fetch."""

import hashlib
from pathlib import Path

from modelserver.artifact.cache import Artifact, Cache

CONTENT = bytes(range(256)) * 40


SHA256 = hashlib.sha256(CONTENT).hexdigest()


def wanted(uri: str, content: bytes = CONTENT) -> Artifact:
    """An artifact whose declaration fits `content`."""
    return Artifact(uri, hashlib.sha256(content).hexdigest(), len(content))


def obtain(artifact: Artifact, *, cache_dir: Path, root: Path) -> bytes:
    """The bytes that a start would load; nothing is in use afterwards."""
    with Cache(cache_dir, root) as cache:
        return cache.use(artifact, Path.read_bytes)
