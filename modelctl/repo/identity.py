"""What a release is: its content, never its number."""

import hashlib
import json

from modelctl.repo.documents import parse


def release_identity(content: bytes) -> str:
    """What a release file comes down to: two with the same are the same bits and settings.

    Comments, layout and where the model was trained do not count.
    """
    document, _ = parse("release.yaml", content)
    if document is None or not isinstance(document.value, dict):
        return hashlib.sha256(content).hexdigest()
    counted = {key: value for key, value in document.value.items() if key != "provenance"}
    return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()
