"""Requests over https, and over plain http to this machine itself."""

import http.client
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from os import environ
from urllib.parse import SplitResult, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from modelctl.errors import StoreError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
CHUNK_BYTES = 1 << 20
_SILENCE_S = 30.0
_HTTPS_PORT, _HTTP_PORT = 443, 80
_REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})


@contextmanager
def sent(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: Iterator[bytes] | bytes | None = None,
) -> Iterator[http.client.HTTPResponse]:
    """The answer to one request; a GET or HEAD follows redirects, without its authorization.

    Raises:
        StoreError: The URL is plain http, or no answer came.
    """
    for _ in range(_REDIRECTS):
        connection = _connection(urlsplit(url))
        try:
            answer = _answer(connection, method, url, headers, body)
            if answer.status not in _MOVED or method not in ("GET", "HEAD"):
                yield answer
                return
            url = urljoin(url, answer.headers.get("Location", ""))
            headers = {k: v for k, v in headers.items() if k != "Authorization"}
        finally:
            connection.close()
    raise StoreError(f"{_plain(url)}: found more than {_REDIRECTS} redirects, expected a file")


def chunks(answer: http.client.HTTPResponse, url: str) -> Iterator[bytes]:
    """The body of an answer, in parts.

    Raises:
        StoreError: It ends early.
    """
    try:
        while chunk := answer.read(CHUNK_BYTES):
            yield chunk
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(url, error) from error
    if answer.length:
        raise StoreError(f"{_plain(url)}: the answer ended {answer.length} bytes early; try again")


def refused(answer: http.client.HTTPResponse, url: str) -> StoreError:
    """What the status of an answer means."""
    found = f"{_plain(url)}: found HTTP {answer.status} {answer.reason}"
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return StoreError(f"{found}; log in with an account that may read and write there")
    return StoreError(f"{found}; check the address")


def _answer(
    connection: http.client.HTTPConnection,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: Iterator[bytes] | bytes | None,
) -> http.client.HTTPResponse:
    parts = urlsplit(url)
    target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    plain = {"Accept-Encoding": "identity", "User-Agent": "modelctl"}
    try:
        connection.request(method, target, body, {**plain, **headers})
        return connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(url, error) from error


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    host = parts.hostname or ""
    if parts.scheme == "http" and host in LOOPBACK:
        return http.client.HTTPConnection(host, parts.port or _HTTP_PORT, timeout=_SILENCE_S)
    if parts.scheme != "https":
        raise StoreError(f"{_plain(parts.geturl())}: found {parts.scheme}, expected https")
    context = ssl.create_default_context(cafile=environ.get("SSL_CERT_FILE"))
    proxy = urlsplit(getproxies().get("https", ""))
    if proxy.hostname and not proxy_bypass(host):
        through = http.client.HTTPSConnection(
            proxy.hostname, proxy.port or _HTTP_PORT, timeout=_SILENCE_S, context=context
        )
        through.set_tunnel(host, parts.port or _HTTPS_PORT)
        return through
    port = parts.port or _HTTPS_PORT
    return http.client.HTTPSConnection(host, port, timeout=_SILENCE_S, context=context)


def _unreachable(url: str, error: Exception) -> StoreError:
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return StoreError(f"{_plain(url)}: {words}; check the address and the network")


def _plain(url: str) -> str:
    """A URL without its query, which may hold what is secret."""
    return urlsplit(url)._replace(query="", fragment="").geturl()
