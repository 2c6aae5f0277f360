"""Where artifacts come from: one function for each URI scheme, which opens a stream of bytes."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from modelserver.artifact import files
from modelserver.artifact.stream import Opener, Order, Stream
from modelserver.errors import ArtifactRefused
from modelserver.observe.logs import without_credentials


def _open_url(order: Order) -> AbstractContextManager[Stream]:
    from modelserver.artifact import web  # noqa: PLC0415 - a start imports its own source alone

    return web.open_url(order)


def _open_layer(order: Order) -> AbstractContextManager[Stream]:
    from modelserver.artifact import registry  # noqa: PLC0415 - as above

    return registry.open_layer(order)


def _open_object(order: Order) -> AbstractContextManager[Stream]:
    from modelserver.artifact import objects  # noqa: PLC0415 - as above

    return objects.open_object(order)


OPENERS: Mapping[str, Opener] = MappingProxyType(
    {
        "file": files.open_file,
        "https": _open_url,
        "http": _open_url,
        "oci": _open_layer,
        "s3": _open_object,
        "gs": _open_object,
        "az": _open_object,
        "abfss": _open_object,
    }
)
"""What opens the URIs of a scheme."""


def open_stream(
    uri: str, *, root: Path, offset: int, sha256: str
) -> AbstractContextManager[Stream]:
    """The artifact's bytes, from `offset` on if the source can begin there.

    Raises:
        ArtifactRefused: The URI may not be used, or not by this process.
        ArtifactMissing: Nothing is there.
        ArtifactDigestWrong: The source says that it has other bytes.
        ArtifactUnreachable: The source does not answer as it should.
        ExtraMissing: The scheme needs a package that is not installed.
    """
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise ArtifactRefused(f"found no URI in the artifact's place: {error}") from error
    opener = OPENERS.get(parts.scheme)
    if opener is None:
        raise ArtifactRefused(
            f"{without_credentials(uri)}: found scheme {parts.scheme!r}, "
            f"expected one of {', '.join(OPENERS)}"
        )
    return opener(Order(parts, root, offset, sha256))
