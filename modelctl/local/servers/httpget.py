"""A small asynchronous HTTP GET for probes and for Envoy's administration pages."""

import asyncio
import http.client
import io
from dataclasses import dataclass
from typing import Any, cast

_OK = range(200, 400)  # the statuses that Kubernetes takes for a success


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body of an answer."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether a Kubernetes probe would take it for a success."""
        return self.status in _OK


class _Buffer:
    """Bytes that look like a socket to `http.client`, which knows chunked bodies."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._content)


async def get(port: int, path: str, *, timeout_s: float) -> Answer:
    """The answer of a server on the loopback interface.

    Raises:
        OSError: It cannot be reached, answers no HTTP, or not within `timeout_s` (`TimeoutError`).
    """
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
            writer.write(request.encode())
            content = await reader.read(-1)
        finally:
            writer.close()
    response = http.client.HTTPResponse(cast("Any", _Buffer(content)))
    try:
        response.begin()
        return Answer(response.status, response.read())
    except http.client.HTTPException as error:
        raise ConnectionError(f"port {port} gave no HTTP answer to {path}: {error!r}") from error
