"""Where an environment reads an artifact: a URI by way of mirrors, or a path of the repository."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath

from modelctl.repo.kinds import Environment

STORE = "store:///"  # begins the URI of what every environment keeps in its own store
_OCI = "oci:"


def table(environment: Environment) -> Mapping[str, str]:
    """By prefix of a URI, what an environment reads instead: its mirrors, and its store.

    In the repository of a registry a file is found by a tag, elsewhere by a path.
    """
    store = environment.store
    if store is None:
        return environment.artifact_mirrors
    place = f"{store.rstrip('/')}:" if store.startswith(_OCI) else store
    return {STORE: place, **environment.artifact_mirrors}


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


def read_path(uri: str, mirrors: Mapping[str, str]) -> str | None:
    """The path in this repository that an environment reads a URI from; None for elsewhere."""
    return repository_path(mirrored(uri, mirrors))


def read_paths(uris: Iterable[str], tables: Collection[Mapping[str, str]]) -> list[str]:
    """Every path in this repository that some environment reads one of the URIs from, sorted.

    `tables` are those of the environments.
    """
    paths = (read_path(uri, mirrors) for uri in uris for mirrors in tables)
    return sorted({path for path in paths if path is not None})
