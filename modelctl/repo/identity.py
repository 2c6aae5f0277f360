"""The identity of a release, which is its content and never its number."""

import hashlib
import json

from modelctl.repo.documents import parse


def release_identity(content: bytes) -> str:
    """A digest that two release files share if they mean the same artifact, image and settings.

    Comments, layout and `provenance`, which says how the model was trained, do not count.
    """
    document, _ = parse("release.yaml", content)
    if document is None or not isinstance(document.value, dict):
        return hashlib.sha256(content).hexdigest()
    counted = {key: value for key, value in document.value.items() if key != "provenance"}
    return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()
