"""Where artifacts come from: one function for each URI scheme, which opens a stream of bytes."""

import http.client
import os
import re
import stat
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import IO, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, unquote, urlsplit

from modelserver.errors import (
    ArtifactMissing,
    ArtifactRefused,
    ArtifactTruncated,
    ArtifactUnreachable,
    ExtraMissing,
)
from modelserver.observe.logs import without_credentials

TIMEOUT_S = 30.0
"""How long a server may send nothing before the transfer counts as failed."""

# Classes of optional packages, by name: what they raise where a pod has no credentials.
_NO_CREDENTIALS = frozenset(
    {
        "NoCredentialsError",  # botocore
        "PartialCredentialsError",  # botocore
        "CredentialRetrievalError",  # botocore
        "TokenRetrievalError",  # botocore
        "GoogleAuthError",  # google.auth
    }
)
# No network lies between: plain http is as good as https.
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_CONTENT_RANGE = re.compile(r"bytes (?P<first>\d+)-\d+/(?P<total>\d+)")


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Stream:
    """The bytes of an artifact from `offset` on.

    `total_bytes` is the size of the whole artifact, None where the source does not say it; `label`
    names the source in errors.
    """

    reader: _Readable
    offset: int
    total_bytes: int | None
    label: str

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, none at the end.

        Raises:
            ArtifactTruncated: The source announced more than it sent.
            ArtifactUnreachable: The source failed in the middle.
        """
        try:
            return self.reader.read(size)
        except http.client.IncompleteRead as error:
            raise ArtifactTruncated(f"{self.label}: the transfer ended early: {error}") from error
        except (OSError, http.client.HTTPException) as error:
            raise ArtifactUnreachable(f"{self.label}: {error}; check the source") from error


Opener = Callable[[SplitResult, Path, int], AbstractContextManager[Stream]]


def open_stream(uri: str, *, root: Path, offset: int) -> AbstractContextManager[Stream]:
    """The artifact's bytes, from `offset` on if the source can begin there.

    Raises:
        ArtifactRefused: The URI may not be used, or not by this process.
        ArtifactMissing: Nothing is there.
        ArtifactUnreachable: The source does not answer as it should.
        ExtraMissing: The scheme needs a package that is not installed.
    """
    parts = urlsplit(uri)
    opener = _OPENERS.get(parts.scheme)
    if opener is None:
        raise ArtifactRefused(
            f"{without_credentials(uri)}: found scheme {parts.scheme!r}, "
            f"expected one of {', '.join(_OPENERS)}"
        )
    return opener(parts, root, offset)


@contextmanager
def _open_file(parts: SplitResult, root: Path, offset: int) -> Iterator[Stream]:
    path = resolve_file(parts, root)
    try:
        # NONBLOCK: opening a pipe must not wait for a writer; it is refused right after.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ArtifactRefused(f"{path}: {error.strerror}; expected a readable file") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise ArtifactRefused(f"{path}: expected a regular file")
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        start = min(offset, status.st_size)
        file.seek(start)
        yield Stream(file, start, status.st_size, str(path))


def resolve_file(parts: SplitResult, root: Path) -> Path:
    """The real path of a `file:` URI.

    A relative one begins at `root` and may not leave it, neither by `..` nor by a symbolic link.

    Raises:
        ArtifactRefused: The URI is malformed, leaves `root`, or cannot be resolved.
        ArtifactMissing: There is no such file.
    """
    uri = parts.geturl()
    if parts.netloc not in {"", "localhost"} or parts.query or parts.fragment or not parts.path:
        raise ArtifactRefused(f"{uri}: expected file:relative/path or file:///absolute/path")
    path = Path(unquote(parts.path))
    base = root.resolve()
    try:
        real = (base / path).resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ArtifactMissing(f"{base / path}: no such file (from {uri})") from error
    except (OSError, RuntimeError, ValueError) as error:  # loops of links, NUL bytes, no permission
        raise ArtifactRefused(f"{uri}: {error}") from error
    if not path.is_absolute() and not real.is_relative_to(base):
        raise ArtifactRefused(f"{uri}: leads to {real}, expected a file inside {base}")
    return real


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    """Follows redirects only to where the artifact could have been declared to be."""

    def redirect_request(  # noqa: PLR0917 - the base class's signature
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The next request.

        Raises:
            ArtifactRefused: It would leave https.
        """
        _refuse_plain_http(urlsplit(newurl))
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def _open_http(parts: SplitResult, _root: Path, offset: int) -> Iterator[Stream]:
    _refuse_plain_http(parts)
    label = without_credentials(parts.geturl())
    headers = {"Accept-Encoding": "identity", "User-Agent": "modelserver"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    request = urllib.request.Request(parts.geturl(), headers=headers)  # noqa: S310 - https, above
    try:
        response = _opener().open(request, timeout=TIMEOUT_S)
    except HTTPError as error:
        if offset and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            with _open_http(parts, _root, 0) as stream:
                yield stream
            return
        raise _http_error(error, label) from error
    except (URLError, OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise ArtifactUnreachable(
            f"{label}: {reason}; check the address and the network"
        ) from error
    with response:
        first, total = _extent(response)
        yield Stream(response, first, total, label)


def _opener() -> urllib.request.OpenerDirector:
    """Reads http and https alone, through proxies that the environment names.

    The default opener would read `file:` and `ftp:` as well.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _NoDowngrade(),
    ):
        opener.add_handler(handler)
    return opener


def _refuse_plain_http(parts: SplitResult) -> None:
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return
    raise ArtifactRefused(
        f"{without_credentials(parts.geturl())}: found {parts.scheme}, "
        "expected https (http only to this machine itself)"
    )


def _extent(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """The offset of the first byte that comes, and the size of the whole artifact."""
    ranged = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if response.status == HTTPStatus.PARTIAL_CONTENT and ranged:
        return int(ranged["first"]), int(ranged["total"])
    length = response.headers.get("Content-Length")
    return 0, int(length) if length else None


def _http_error(error: HTTPError, label: str) -> Exception:
    found = f"{label}: found HTTP {error.code} {error.reason}"
    if error.code in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return ArtifactMissing(f"{found}; publish the artifact or correct the URI")
    if error.code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return ArtifactRefused(f"{found}; this process has no permission to read it")
    return ArtifactUnreachable(f"{found}; check the source")


@contextmanager
def _open_object(parts: SplitResult, _root: Path, offset: int) -> Iterator[Stream]:
    """Of `s3:` and `gs:`, through fsspec, which finds credentials in the environment of the pod."""
    label = without_credentials(parts.geturl())
    try:
        fsspec = import_module("fsspec")
        file_system, path = fsspec.core.url_to_fs(parts.geturl())
    except ImportError as error:
        raise ExtraMissing(
            f"{label}: {error}; build the image with modelserver[{parts.scheme}], "
            "or publish the artifact under https:"
        ) from error
    try:
        file = file_system.open(path, "rb")
    except FileNotFoundError as error:
        raise ArtifactMissing(f"{label}: no such object") from error
    except PermissionError as error:
        raise ArtifactRefused(f"{label}: {error}; this process may not read it") from error
    except Exception as error:
        raise _object_error(error, label) from error
    with file:
        start = min(offset, file.size)
        file.seek(start)
        yield Stream(file, start, file.size, label)


def _object_error(error: Exception, label: str) -> Exception:
    """The error for what fsspec raised; the name of a class tells that credentials are missing."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & _NO_CREDENTIALS:
        return ArtifactRefused(
            f"{label}: found no usable credentials ({error}); give the pod's service account "
            "a role that may read the bucket"
        )
    return ArtifactUnreachable(f"{label}: {error}; check the bucket and the network")


_OPENERS: Mapping[str, Opener] = MappingProxyType(
    {
        "file": _open_file,
        "https": _open_http,
        "http": _open_http,
        "s3": _open_object,
        "gs": _open_object,
    }
)
