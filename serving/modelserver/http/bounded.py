"""The bounds of a connection: of headers, of what waits, of clients that do not go on."""

import asyncio
import time
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from modelserver.http import headers
from modelserver.http.crowd import Crowd
from modelserver.http.cycle import InferCycle
from modelserver.http.reply import error_body
from modelserver.observe import logs

MAX_HEADER_BYTES = 64 << 10
"""A client that sends more in the headers of one request is answered 431."""

MAX_HEADER_FIELDS = 256
"""So is one that sends more header fields."""

HEADERS_S = 30.0
"""A client that has not sent all headers so long after it began a request is answered 408.

One that connects and sends nothing for as long is disconnected.
"""

READ_S = 30.0
"""A client that takes nothing of its answers for so long is cut off."""

# Header fields, and their names in Connection, by which a client asks for another protocol.
_UPGRADE_FIELDS = frozenset({b"upgrade", b"http2-settings"})


class TooManyFields(Exception):  # noqa: N818 - raised through the parser, to stop it
    """A request has more header fields than it may."""


class Bounded(HttpToolsProtocol):
    """HTTP/1.1 of one connection, which ends where its client goes too far or does not go on.

    A subclass made for one process sets the `crowd`. While `is_deaf` nothing is parsed any more.
    """

    crowd: Crowd
    cycle: Any  # of uvicorn, or an `InferCycle`, which has what uvicorn uses
    waiting_header_bytes = 0
    is_deaf = False
    _framing_bytes = 0
    _in_headers = True
    _is_parted = False
    _last_words = b""
    _header_timer: asyncio.TimerHandle | None = None
    _read_timer: asyncio.TimerHandle | None = None

    def __init__(self, config: Any, server_state: ServerState, *rest: Any, **named: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(config, server_state, *rest, **named)
        self._came_at = time.perf_counter()
        self._is_parted = not self.crowd.enter(self)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first byte, but not for ever."""
        super().connection_made(transport)
        if self._is_parted:
            transport.abort()
        else:
            self._header_timer = self.loop.call_later(HEADERS_S, self._refuse_slow_headers)

    @property
    def idle_since(self) -> float | None:
        """When the client did something last; None while a request of it is answered."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return max(self._came_at, getattr(cycle, "ended_at", 0.0))
        return cycle.body.last if self.is_receiving else None

    @property
    def is_receiving(self) -> bool:
        """Whether the body of an inference request is on its way."""
        return isinstance(self.cycle, InferCycle) and self.cycle.body is not None

    def part(self) -> None:
        """End the connection, to make room for others."""
        self._is_parted = True
        if self.transport is not None:
            self.transport.abort()

    def pause_writing(self) -> None:
        """Wait for a client that does not read, but not for ever."""
        super().pause_writing()
        self._await_reader(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Go on with a client that reads again."""
        super().resume_writing()
        if self._read_timer is not None:
            self._read_timer.cancel()

    def _await_reader(self, unread_bytes: int) -> None:
        self._read_timer = self.loop.call_later(READ_S, self._cut_off_idle_reader, unread_bytes)

    def _cut_off_idle_reader(self, unread_bytes: int) -> None:
        still_bytes = self.transport.get_write_buffer_size()
        if still_bytes < unread_bytes:
            self._await_reader(still_bytes)
        else:
            self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, f"request: {msg.removesuffix('.')}")

    def connection_lost(self, exc: Exception | None) -> None:
        """Let nothing wait for this client any more."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()  # uvicorn forgets this where the client reset it
        for timer in (self._header_timer, self._read_timer):
            if timer is not None:
                timer.cancel()
        self.crowd.leave(self)

    def _has_unanswered(self) -> bool:
        """Whether a request that is whole waits for its answer."""
        cycle = self.cycle
        return cycle is not None and not cycle.response_complete and not cycle.more_body

    def _without_upgrade(self) -> bytes:
        """The head of a request once more, for a new parser, without asking for a protocol.

        Source: RFC 9110, 7.8: a server may ignore Upgrade.
        """
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if method == b"CONNECT":
            raise httptools.HttpParserError("CONNECT")
        lines = [b"%b %b HTTP/%b" % (method, self.url, version.encode())]
        for name, value in self.headers:
            kept = value
            if name == b"connection":
                tokens = [token.strip() for token in value.split(b",")]
                kept = b", ".join(each for each in tokens if each.lower() not in _UPGRADE_FIELDS)
            if kept and name not in _UPGRADE_FIELDS:
                lines.append(b"%b: %b" % (name, kept))
        self.parser = httptools.HttpRequestParser(self)
        return b"\r\n".join((*lines, b"", b""))

    def _end_of_headers(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None
        if self.waiting_header_bytes:
            self.crowd.wait_for_headers(self, 0)

    def _count_framing(self, number: int) -> None:
        """Bound what comes and is no body: headers, trailers, extensions of chunks."""
        self._framing_bytes += number
        answered = self.cycle is not None and self.cycle.response_complete
        if self._header_timer is None and (self._in_headers or answered):
            self._header_timer = self.loop.call_later(HEADERS_S, self._refuse_slow_headers)
        if self._framing_bytes > MAX_HEADER_BYTES:
            self._refuse_long_headers(f"more than {MAX_HEADER_BYTES} bytes")
        elif self._in_headers:
            self._came_at = time.perf_counter()
            self.crowd.wait_for_headers(self, number + max(0, self._framing_bytes))

    def _refuse_long_headers(self, found: str) -> None:
        self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"headers: found {found}")

    def _refuse_callback(self, error: httptools.HttpParserCallbackError) -> None:
        if isinstance(error.__context__, TooManyFields):
            self._refuse_long_headers(f"more than {MAX_HEADER_FIELDS} fields")
            return
        if isinstance(error.__context__, httptools.HttpParserError):
            self.send_400_response("Invalid URL.")
            return
        logs.LOGGER.error("connection-crashed", exc_info=error)
        self.transport.abort()

    def _refuse_slow_headers(self) -> None:
        self._header_timer = None
        if self.transport.is_closing():
            return
        if self.cycle is None and not self.waiting_header_bytes:
            self.crowd.close_silent(self)
        elif self._in_headers:
            self._refuse(
                HTTPStatus.REQUEST_TIMEOUT, f"headers: expected all of them within {HEADERS_S:g} s"
            )
        else:
            self.transport.abort()  # answered long ago, and still it sends

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        """Answer what cannot be gone on with, after all that came before it, and close."""
        if self.is_deaf or self.transport.is_closing():
            return
        self.is_deaf = True
        body = error_body(message)
        request_id = headers.request_id({}).decode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nx-request-id: {request_id}\r\n"
            "connection: close\r\n\r\n"
        )
        self._last_words = head.encode("ascii") + body
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete and cycle.more_body:
            # The request itself is broken.
            if isinstance(cycle, InferCycle):
                cycle.abandon()
            if self.pipeline and self.pipeline[0][0] is cycle:
                self.pipeline.popleft()
                return
            self._say_last_words()
        elif not (self.pipeline or self._has_unanswered()):
            self._say_last_words()

    def _say_last_words(self) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(self._last_words)
        self.transport.close()
