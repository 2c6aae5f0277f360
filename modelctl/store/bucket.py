"""A store that is a bucket: S3 and what speaks as it does, Google Cloud Storage, Azure.

The package obstore, an extra, finds endpoint, region and credentials in the environment, by the
names that the clouds' own tools use; the model server reads the same.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import SplitResult, unquote, urlsplit

from modelctl.errors import StoreError

if TYPE_CHECKING:
    from obstore.store import AzureStore, ClientConfig, GCSStore, RetryConfig, S3Store

# How the variables of a scheme's store begin.
PREFIXES = {"s3": "AWS", "gs": "GOOGLE", "az": "AZURE", "abfss": "AZURE"}
_YES = ("1", "true", "yes", "on")
_CHUNK_BYTES = 8 << 20  # of an upload in parts: 10,000 of them hold 80 GB
_AT_ONCE = 4  # parts under way, so that an upload takes 32 MiB of memory
_SILENCE_S = 30  # without a byte, after which a connection counts as lost
_LONGEST_S = 24 * 3600  # of one transfer
_TRIES = 3
_STATUS = re.compile(r"status code: (?P<status>\d{3} [^:\n]+)")
_CODE = re.compile(r"<Code>(?P<text>[^<]{1,100})</Code>")
_CAUSE = re.compile(r'(?:message|error): "(?P<words>[^"]{1,200})"')
_QUERY = re.compile(r"\?\S+")  # may hold a signature
_SHOWN = 300  # characters of what obstore says
_FORBIDDEN = frozenset({"PermissionDeniedError", "UnauthenticatedError"})


@dataclass(frozen=True, slots=True)
class BucketObject:
    """An object under `s3:`, `gs:`, `az:` or `abfss:`."""

    uri: str

    def size_bytes(self) -> int | None:
        """How many bytes the object has; None for no such object."""
        import obstore  # noqa: PLC0415 - an extra

        try:
            return int(obstore.head(self._store(), self._key)["size"])
        except FileNotFoundError:
            return None
        except BaseException as error:  # noqa: BLE001 - a panic of Rust's is no Exception
            self._fail("read", error)

    def read(self) -> Iterator[bytes]:
        """The object's bytes, in parts."""
        import obstore  # noqa: PLC0415 - an extra

        try:
            found = obstore.get(self._store(), self._key)
            for chunk in found.stream(min_chunk_size=_CHUNK_BYTES):
                yield bytes(chunk)
        except BaseException as error:  # noqa: BLE001 - as above
            self._fail("read", error)

    def write(self, chunks: Iterator[bytes], size_bytes: int) -> None:
        """Upload the parts as one object, which nobody sees before all of it is there."""
        import obstore  # noqa: PLC0415 - an extra

        try:
            obstore.put(
                self._store(),
                self._key,
                chunks,
                use_multipart=size_bytes > _CHUNK_BYTES,
                chunk_size=_CHUNK_BYTES,
                max_concurrency=_AT_ONCE,
            )
        except BaseException as error:  # noqa: BLE001 - as above
            self._fail("written", error)

    @property
    def _key(self) -> str:
        return unquote(urlsplit(self.uri).path.lstrip("/"))

    def _store(self) -> "S3Store | GCSStore | AzureStore":
        return _store(urlsplit(self.uri))

    def _fail(self, done: str, error: BaseException) -> NoReturn:
        """Raise what an error of obstore's means; what is no error of a store goes on as it is."""
        cause = error.__cause__ if isinstance(error.__cause__, StoreError) else error
        if isinstance(cause, StoreError | KeyboardInterrupt | GeneratorExit | MemoryError):
            raise cause
        raise StoreError(f"{self.uri} cannot be {done}: {_told(error, self.uri)}") from error


def _store(parts: SplitResult) -> "S3Store | GCSStore | AzureStore":
    from obstore.store import AzureStore, GCSStore, S3Store  # noqa: PLC0415 - an extra

    allowed = os.environ.get(f"{PREFIXES[parts.scheme]}_ALLOW_HTTP", "").lower() in _YES
    client: ClientConfig = {
        "allow_http": allowed,
        "read_timeout": f"{_SILENCE_S} s",
        "connect_timeout": f"{_SILENCE_S} s",
        "timeout": f"{_LONGEST_S} s",
    }
    retry: RetryConfig = {"max_retries": _TRIES}
    container, _, host = parts.netloc.rpartition("@")
    if parts.scheme == "s3":
        return S3Store(host, client_options=client, retry_config=retry)
    if parts.scheme == "gs":
        return GCSStore(host, client_options=client, retry_config=retry)
    if parts.scheme == "az":
        return AzureStore(host, client_options=client, retry_config=retry)
    account = host.partition(".")[0]
    return AzureStore(container, account_name=account, client_options=client, retry_config=retry)


def _told(error: BaseException, uri: str) -> str:
    """What a store or the network said, without queries and bodies, and what to do."""
    prefix, text = PREFIXES[urlsplit(uri).scheme], str(error)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, FileNotFoundError):
        remedy = "make the bucket, or correct `store` of the environment"
    elif kinds & _FORBIDDEN or "oken request" in text or "meta-data" in text:
        remedy = f"set the {prefix}_ variables to credentials that may read and write there"
    elif "BadScheme" in text:
        return f"the endpoint is plain http, expected https; {prefix}_ALLOW_HTTP=true allows it"
    else:
        remedy = "check the endpoint, the region and the network"
    return f"{_brief(text)}; {remedy}"


def _brief(text: str) -> str:
    if status := _STATUS.search(text):
        code = _CODE.search(text)
        return f"found HTTP {status['status']}" + (f": {code['text']}" if code else "")
    summary, _, debug = text.partition("\n")
    causes = [match["words"] for match in _CAUSE.finditer(debug)]
    return ": ".join((_QUERY.sub("?…", summary)[:_SHOWN], *causes[-1:]))
