"""Artifacts under http and https."""

import http.client
import re
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, urlsplit

from modelserver.artifact.stream import TIMEOUT_S, Order, Stream
from modelserver.errors import ArtifactMissing, ArtifactRefused, ArtifactUnreachable
from modelserver.observe.logs import without_credentials

# No network lies between: plain http is as good as https.
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_CONTENT_RANGE = re.compile(r"bytes (?P<first>\d+)-\d+/(?P<total>\d+)")


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
def open_url(order: Order) -> Iterator[Stream]:
    """The bytes under an https URL, or a plain http one of this machine.

    Raises:
        ArtifactRefused: It is plain http, or this process may not read it.
        ArtifactMissing: Nothing is there.
        ArtifactUnreachable: The server does not answer as it should.
    """
    with open_range(order.parts.geturl(), order.offset, order.label) as stream:
        yield stream


@contextmanager
def open_range(
    url: str, offset: int, label: str, authorization: str | None = None
) -> Iterator[Stream]:
    """The bytes under a URL from `offset` on, or from the start if the server cannot do that."""
    headers = {"Range": f"bytes={offset}-"} if offset else {}
    try:
        response = send(url, headers, label, authorization)
    except HTTPError as error:
        if offset and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            error.close()
            with open_range(url, 0, label, authorization) as stream:
                yield stream
            return
        raise http_error(error, label) from error
    with response:
        first, total = _extent(response)
        yield Stream(response, first, total, label)


def send(
    url: str, headers: Mapping[str, str], label: str, authorization: str | None = None
) -> http.client.HTTPResponse:
    """The answer to a GET; redirects are followed, without the authorization.

    Raises:
        HTTPError: The status is no success.
        ArtifactRefused: The URL, or one that it leads to, is plain http.
        ArtifactUnreachable: No answer came.
    """
    _refuse_plain_http(urlsplit(url))
    plain = {"Accept-Encoding": "identity", "User-Agent": "modelserver"}
    request = urllib.request.Request(url, headers={**plain, **headers})  # noqa: S310 - see above
    if authorization:
        request.add_unredirected_header("Authorization", authorization)
    try:
        response: http.client.HTTPResponse = _opener().open(request, timeout=TIMEOUT_S)
    except HTTPError:
        raise
    except (URLError, OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise ArtifactUnreachable(
            f"{label}: {reason}; check the address and the network"
        ) from error
    return response


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine itself."""
    return host in _LOOPBACK


def http_error(error: HTTPError, label: str) -> Exception:
    """What the status of an answer means; nothing more is read of it."""
    error.close()
    found = f"{label}: found HTTP {error.code} {error.reason}"
    if error.code in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
        return ArtifactMissing(f"{found}; publish the artifact or correct the URI")
    if error.code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return ArtifactRefused(f"{found}; this process has no permission to read it")
    return ArtifactUnreachable(f"{found}; check the source")


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
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname)):
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
