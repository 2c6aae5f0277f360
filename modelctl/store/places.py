"""Which kind of place a URI names: one table by scheme."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from urllib.parse import urlsplit

from modelctl.errors import StoreError
from modelctl.store import bucket
from modelctl.store.page import WebFile
from modelctl.store.place import Place
from modelctl.store.registry import RegistryFile
from modelctl.store.share import ShareFile

_SCHEMES = ("file", "https", "oci", *bucket.PREFIXES)


def place_of(uri: str, sha256: str) -> Place:
    """The file that a URI names, which has a digest.

    Raises:
        StoreError: Nothing reads such URIs, or a package for it is missing.
    """
    scheme = urlsplit(uri).scheme
    if scheme == "file":
        return ShareFile(uri)
    if scheme == "https":
        return WebFile(uri)
    if scheme == "oci":
        return RegistryFile(uri, sha256)
    if scheme not in bucket.PREFIXES:
        raise StoreError(f"{uri}: found {scheme}:, expected one of {', '.join(_SCHEMES)}")
    if find_spec("obstore") is None:
        raise StoreError(
            f"{uri}: found no package obstore, which buckets need: pip install 'modelctl[stores]'"
        )
    return bucket.BucketObject(uri)


@contextmanager
def settings(variables: Mapping[str, str]) -> Iterator[None]:
    """Give an environment's own variables to what is asked meanwhile; those of the shell win."""
    own = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(own)
    try:
        yield
    finally:
        for name in own:
            os.environ.pop(name, None)
