"""A connection, and the short way for inference requests: without ASGI and without a task.

A request that arrives whole, while its connection is idle, is answered by callbacks alone. Any
other one (a large or slow body, pipelining, a client that does not read) goes through ASGI to
`endpoint`. Both ways lead to `Exchange` and to `reply`, so that they accept and answer the same.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from modelserver.errors import RequestError
from modelserver.http import headers
from modelserver.http.dialect import Dialect, error_body
from modelserver.http.reply import conclude
from modelserver.inference.exchange import Exchange, Inference, Result

MAX_HEADER_BYTES = 64 << 10
"""A client that sends more in the headers of one request is answered 431."""

HEADERS_S = 30.0
"""A client that has not sent all headers so long after it began a request is answered 408."""

READ_S = 30.0
"""A client that takes nothing of its answers for so long is cut off."""


class _Event:
    """Takes the place of the event by which uvicorn wakes a request that waits."""

    def set(self) -> None:
        """Wake nobody."""


_NOBODY_WAITS = _Event()
_NOTHING: headers.Given = {}


class _DefaultLines:
    """The header lines of every answer, made anew when uvicorn has a new list: once a second."""

    def __init__(self) -> None:
        self._fields: list[tuple[bytes, bytes]] = []
        self._lines = b""

    def of(self, fields: list[tuple[bytes, bytes]]) -> bytes:
        """The header fields as lines."""
        if fields is not self._fields:
            self._fields = fields
            self._lines = b"".join(b"%b: %b\r\n" % field for field in fields)
        return self._lines


_DEFAULT_LINES = _DefaultLines()


class Connection(HttpToolsProtocol):
    """HTTP/1.1 of one connection.

    A subclass made for one process sets `inference` and the `paths` that lead to it, each with the
    dialect in which it is asked there.
    """

    inference: Inference
    paths: Mapping[bytes, Dialect]
    _held: list[bytes] | None = None
    _header_bytes = 0
    _in_headers = True
    _header_timer: asyncio.TimerHandle | None = None
    _read_timer: asyncio.TimerHandle | None = None
    _short: "_ShortCycle | None" = None

    def data_received(self, data: bytes) -> None:
        """Parse what came, and bound headers that never end."""
        super().data_received(data)
        if self._held is not None:
            self._release()
        if self._in_headers:
            self._count_header_bytes(len(data))

    def on_message_begin(self) -> None:
        """Count the header bytes of a new request; ASGI's scope is made only if it is needed."""
        self._in_headers = True
        self._header_bytes = 0
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """Hold the request back until it is whole, or until nothing more has come."""
        self._in_headers = False
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None
        if self._is_simple():
            self._held = []
        else:
            self._go_on_as_asgi()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if self._held is None:
            super().on_body(body)
        else:
            self._held.append(body)

    def on_message_complete(self) -> None:
        """Answer a request that is whole."""
        if self._held is None:
            super().on_message_complete()
            return
        body = b"".join(self._held)
        self._held = None
        if self._short is None:
            self._short = _ShortCycle(self)
        self.cycle = self._short  # type: ignore[assignment]  # it has what uvicorn uses
        self._short.run(body)

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop everything: nobody waits for an answer any more."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()  # uvicorn forgets this where the client reset it
        if self._short is not None:
            self._short.abandon()
        for timer in (self._header_timer, self._read_timer):
            if timer is not None:
                timer.cancel()
        # Nothing may keep a request's headers until the garbage collector comes by.
        self._short = self.cycle = None  # type: ignore[assignment]
        self.headers = []
        self.scope = {}  # type: ignore[typeddict-item]

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

    def _is_simple(self) -> bool:
        """Whether this is an inference request on an idle connection whose client reads answers."""
        return (
            self.url in self.paths
            and (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
            and not self.expect_100_continue
            and self.parser.get_method() == b"POST"
            and not self.parser.should_upgrade()
        )

    def _release(self) -> None:
        """Hand what was held back to uvicorn."""
        held, self._held = self._held or [], None
        self._go_on_as_asgi()
        for part in held:
            super().on_body(part)

    def _go_on_as_asgi(self) -> None:
        url, given, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect
        self.headers += given
        super().on_headers_complete()

    def _count_header_bytes(self, number: int) -> None:
        self._header_bytes += number
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(HEADERS_S, self._refuse_slow_headers)
        if self._header_bytes > MAX_HEADER_BYTES and not self.transport.is_closing():
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"headers: found more than {MAX_HEADER_BYTES} bytes",
            )

    def _refuse_slow_headers(self) -> None:
        if not self.transport.is_closing():
            self._refuse(
                HTTPStatus.REQUEST_TIMEOUT, f"headers: expected all of them within {HEADERS_S:g} s"
            )

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        body = error_body(message)
        request_id = headers.request_id({}).decode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nx-request-id: {request_id}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()


class _ShortCycle:
    """One request after another of a connection, with the attributes that uvicorn looks at."""

    __slots__ = (
        "_dialect",
        "_exchange",
        "_given",
        "_protocol",
        "disconnected",
        "keep_alive",
        "response_complete",
    )
    message_event = _NOBODY_WAITS
    _dialect: Dialect

    def __init__(self, protocol: Connection) -> None:
        self._protocol = protocol
        self.keep_alive = True
        self.disconnected = False
        self.response_complete = False
        self._exchange: Exchange | None = None
        self._given: headers.Given = _NOTHING

    def run(self, body: bytes) -> None:
        """Begin to answer a request with this body."""
        protocol = self._protocol
        self.keep_alive = protocol.parser.should_keep_alive()
        self.response_complete = False
        self._given = given = dict(protocol.headers)
        self._dialect = dialect = protocol.paths[protocol.url]
        role, request_id = headers.role(given), headers.request_id(given)
        self._exchange = exchange = Exchange(protocol.inference, role, request_id, self._reply)
        if exchange.admit():
            try:
                terms = dialect.terms(given)
            except RequestError as error:
                exchange.fail(error)
            else:
                exchange.run(body, terms)

    def abandon(self) -> None:
        """Take notice that the client is gone."""
        self.disconnected = True
        if self._exchange is not None:
            self._exchange.cancelled = True

    def _reply(self, exchange: Exchange, result: Result) -> None:
        self.response_complete = True
        protocol, given = self._protocol, self._given
        self._exchange, self._given = None, _NOTHING  # tensors and headers are not kept
        inference = protocol.inference
        dialect = self._dialect
        status, answer, traceresponse = conclude(inference, exchange, given, result, dialect)
        if self.disconnected:
            return
        closing = not self.keep_alive or inference.lifecycle.is_draining
        status, lines = dialect.head(
            status,
            answer,
            request_id=exchange.request_id,
            closing=closing,
            traceresponse=traceresponse,
        )
        default = _DEFAULT_LINES.of(protocol.server_state.default_headers)
        parts = (STATUS_LINE[status], default, lines, b"\r\n", answer.body)
        protocol.transport.write(b"".join(parts))
        if closing:
            protocol.transport.close()
        elif protocol.pipeline:
            protocol.on_response_complete()
