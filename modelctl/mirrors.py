"""Where an environment really reads an artifact: URI prefixes replaced, paths kept inside."""

from collections.abc import Mapping
from pathlib import PurePosixPath


def mirrored(uri: str, mirrors: Mapping[str, str]) -> str:
    """The URI after the longest matching prefix of `mirrors` is replaced; else unchanged."""
    matching = [prefix for prefix in mirrors if uri.startswith(prefix)]
    if not matching:
        return uri
    prefix = max(matching, key=len)
    return mirrors[prefix] + uri.removeprefix(prefix)


def repository_path(uri: str) -> str | None:
    """The path in this repository that a relative `file:` URI names; None for any other URI."""
    scheme, _, path = uri.partition(":")
    if scheme != "file" or path.startswith("/") or "\\" in path:
        return None
    parts = PurePosixPath(path).parts
    return None if not parts or ".." in parts else "/".join(parts)
