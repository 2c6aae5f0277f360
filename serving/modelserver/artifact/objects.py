"""Artifacts in object stores: S3 and what speaks as it does, Google Cloud Storage, Azure.

The package obstore finds endpoint, region and credentials in the environment, under the names that
the clouds' own tools use.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote

from modelserver.artifact.stream import TIMEOUT_S, Order, Stream
from modelserver.errors import (
    ArtifactMissing,
    ArtifactRefused,
    ArtifactUnreachable,
    ExtraMissing,
)

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import AzureStore, ClientConfig, GCSStore, RetryConfig, S3Store

# How the variables of a scheme's store begin.
_PREFIXES: Mapping[str, str] = MappingProxyType(
    {"s3": "AWS", "gs": "GOOGLE", "az": "AZURE", "abfss": "AZURE"}
)
_CHUNK_BYTES = 1 << 20  # that a store's client gives at once, at least
_LONGEST_S = 24 * 3600  # of one transfer; only silence ends it earlier
_YES = ("1", "true", "yes", "on")

# Where pods of the clouds ask for credentials; a failure there says that nothing else was given.
_IDENTITY = re.compile(
    r"performing token request|POST REDACTED|/latest/(api/token|meta-data/iam)|/computeMetadata/"
    r"|/metadata/identity/|//169\.254\.170\.|//oauth2\.googleapis\.com|//sts\."
)
# What variables or the URI are to blame for: classes of obstore's, and words of theirs.
_MALFORMED = frozenset({"InvalidPathError", "PanicException", "ValueError"})
_SETTINGS = re.compile(r"Config error|source: Missing")
_STATUS = re.compile(r"status code: (?P<status>\d{3} [^:\n]+)")
_CODE = re.compile(r"<Code>(?P<text>[^<]{1,100})</Code>")
_MESSAGE = re.compile(r"<Message>(?P<text>[^<\n]{1,300})")
# What lies at the bottom of an error of the network, in the words of its parts.
_CAUSE = re.compile(
    r"(?P<name>InvalidCertificate\([^)]*|BadScheme|TimedOut|UnexpectedEof)"
    r'|(?:message|error): "(?P<words>[^"]{1,200})"'
)
_QUERY = re.compile(r"\?\S+")  # may hold a signature


@contextmanager
def open_object(order: Order) -> Iterator[Stream]:
    """The object that an `s3:`, `gs:`, `az:` or `abfss:` URI names.

    Raises:
        ArtifactRefused: The URI is malformed, or this process may not read it.
        ArtifactMissing: There is no such bucket or object.
        ArtifactUnreachable: The store does not answer as it should.
        ExtraMissing: The package for it is not installed.
    """
    found = _get(order, order.offset)
    reader = _Reader(found.stream(min_chunk_size=_CHUNK_BYTES), order)
    yield Stream(reader, found.range[0], found.meta["size"], order.label)


def _get(order: Order, offset: int) -> "GetResult":
    try:
        import obstore  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ExtraMissing(
            f"{order.label}: {error}; build the image with modelserver[stores], "
            "or publish the artifact under https:"
        ) from error
    key = unquote(order.parts.path.lstrip("/"))
    try:
        store = _store(order.parts, order.label)
        options = {"range": {"offset": offset}} if offset else {}
        return obstore.get(store, key, options=options)  # type: ignore[arg-type]  # a TypedDict
    except (ArtifactRefused, MemoryError):
        raise
    except BaseException as error:  # a panic of Rust's is no Exception
        if offset and "416" in str(error).partition("\n")[0]:
            return _get(order, 0)
        raise _error(error, order) from error


def _store(parts: SplitResult, label: str) -> "S3Store | GCSStore | AzureStore":
    from obstore.store import AzureStore, GCSStore, S3Store  # noqa: PLC0415 - an extra

    container, _, host = parts.netloc.rpartition("@")
    is_named = bool(container) == (parts.scheme == "abfss") and host and parts.path.strip("/")
    if not is_named or parts.query or parts.fragment:
        form = "container@account.dfs.core.windows.net" if parts.scheme == "abfss" else "bucket"
        raise ArtifactRefused(f"{label}: expected {parts.scheme}://{form}/path/of/the/object")
    prefix = _PREFIXES[parts.scheme]
    client: ClientConfig = {
        "allow_http": os.environ.get(f"{prefix}_ALLOW_HTTP", "").lower() in _YES,
        "read_timeout": f"{TIMEOUT_S:g} s",
        "timeout": f"{_LONGEST_S} s",
    }
    retry: RetryConfig = {"max_retries": 0}  # the cache tries again, and goes on where it stopped
    if parts.scheme == "s3":
        return S3Store(host, client_options=client, retry_config=retry)
    if parts.scheme == "gs":
        return GCSStore(host, client_options=client, retry_config=retry)
    if parts.scheme == "az":
        return AzureStore(host, client_options=client, retry_config=retry)
    account = host.partition(".")[0]
    return AzureStore(container, account_name=account, client_options=client, retry_config=retry)


@dataclass(slots=True)
class _Reader:
    """A stream of chunks, read in pieces of any size."""

    chunks: Iterator[bytes]
    order: Order
    rest: bytes = b""

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, none at the end."""
        if not self.rest:
            self.rest = self._next()
        piece, self.rest = self.rest[:size], self.rest[size:]
        return piece

    def _next(self) -> bytes:
        try:
            return next(self.chunks, b"")
        except Exception as error:
            raise _error(error, self.order) from error


def _error(error: BaseException, order: Order) -> Exception:
    """The error for what obstore raised; never its whole text, which may hold what is secret."""
    label, prefix = order.label, _PREFIXES[order.parts.scheme]
    kinds = {kind.__name__ for kind in type(error).__mro__}
    found = f"{label}: {_brief(str(error))}"
    if isinstance(error, FileNotFoundError):
        return ArtifactMissing(f"{found}; publish the artifact or correct the URI")
    if kinds & {"PermissionDeniedError", "UnauthenticatedError"}:
        return ArtifactRefused(f"{found}; this process may not read it: check its credentials")
    if "BadScheme" in str(error):
        return ArtifactRefused(
            f"{label}: the endpoint is plain http, expected https; "
            f"{prefix}_ALLOW_HTTP=true allows it where the network between is trusted"
        )
    if _IDENTITY.search(str(error).partition("\n")[0]):
        return ArtifactRefused(
            f"{found}: found no usable credentials; give the pod's service account a role that "
            f"may read the bucket, or set the {prefix}_ variables from a Secret"
        )
    if _SETTINGS.search(str(error)) or kinds & _MALFORMED:
        return ArtifactRefused(f"{found}; correct the URI or the {prefix}_ variables")
    return ArtifactUnreachable(f"{found}; check endpoint, region and network")


def _brief(text: str) -> str:
    """What a store or the network said, without addresses' queries and without bodies."""
    if status := _STATUS.search(text):
        details = (match["text"] for match in (_CODE.search(text), _MESSAGE.search(text)) if match)
        return ": ".join((f"found HTTP {status['status']}", *details))
    summary, _, debug = text.partition("\n")
    causes = [match["name"] or match["words"] for match in _CAUSE.finditer(debug)]
    return ": ".join((_QUERY.sub("?…", summary)[:300], *causes[-1:]))
