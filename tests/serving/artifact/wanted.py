"""The artifact that these tests fetch."""

import hashlib

from modelserver.artifact.cache import Artifact

CONTENT = bytes(range(256)) * 40


SHA256 = hashlib.sha256(CONTENT).hexdigest()


def wanted(uri: str, content: bytes = CONTENT) -> Artifact:
    """An artifact whose declaration fits `content`."""
    return Artifact(uri, hashlib.sha256(content).hexdigest(), len(content))
