"""A connection: HTTP/1.1 within bounds, and the short way for inference requests.

Inference requests are answered by callbacks, without ASGI and without a task, see `cycle`. Any
other request goes through ASGI to the application. Requests are answered in their order, and what
comes behind an unanswered one is parsed no further than the piece that it came in. Of a long body
whose size was announced the parser sees no more than its beginning: the rest only needs counting.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import httptools
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from modelserver.errors import Overloaded
from modelserver.http import headers
from modelserver.http.bounded import MAX_HEADER_FIELDS, Bounded, TooManyFields
from modelserver.http.cycle import Fields, InferCycle
from modelserver.http.dialect import Dialect
from modelserver.http.listeners import Listeners
from modelserver.inference.shared import Inference

_PIECE_BYTES = 16 << 10
"""Parsed at once, so that what follows an unanswered request waits as bytes, not as objects."""


class Connection(Bounded):
    """HTTP/1.1 of one connection.

    A subclass made for one process also sets `inference`, the `paths` that lead to it, each with
    the dialect in which it is asked there, and the `listeners`: what comes in by the port for
    copies is one, whatever its headers say, because a gateway copies them from the original.
    """

    inference: Inference
    paths: Mapping[bytes, Dialect]
    listeners: Listeners
    role: str | None = None
    unparsed = b""
    _data_bytes = 0
    _others_bytes = 0
    _body_left = 0
    _in_message = True
    _waits_for_reader = False
    _dialect: Dialect
    _fields: Fields
    _held: list[bytes] | None = None
    _short: InferCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Know copies by the port that they come to."""
        super().connection_made(transport)
        if self.server is not None and self.listeners.brings_copies(self.server[1]):
            self.role = headers.SHADOW

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless a request before it is still to be answered."""
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        if self._body_left:
            self._take_counted(memoryview(data))
        elif self.unparsed:
            self.unparsed += data
        elif len(data) <= _PIECE_BYTES:
            self._parse(data)
        else:
            self._parse_in_pieces(data)

    def _parse_in_pieces(self, data: bytes) -> None:
        for start in range(0, len(data), _PIECE_BYTES):
            if self.pipeline or self._has_unanswered():
                self.unparsed = data[start:]
                self.flow.pause_reading()
                return
            self._parse(data[start : start + _PIECE_BYTES])
            if self._body_left:
                self._take_counted(memoryview(data)[start + _PIECE_BYTES :])
                return

    def _take_counted(self, data: memoryview) -> None:
        """Take a part of a body whose size is known, and go on with what is behind it."""
        part = data[: self._body_left]
        self._body_left -= len(part)
        cycle: InferCycle = self.cycle
        cycle.take(part)
        if not self._body_left:
            self._in_message = False
            cycle.complete()
            if behind := bytes(data[len(part) :]):
                self.data_received(behind)

    def _parse(self, data: bytes) -> None:
        if self.is_deaf:
            return
        self._data_bytes, self._others_bytes = len(data), 0
        try:
            while True:
                try:
                    self.parser.feed_data(data)
                    break
                except httptools.HttpParserUpgrade as upgrade:
                    data = self._without_upgrade() + data[upgrade.args[0] :]
        except httptools.HttpParserCallbackError as error:
            self._refuse_callback(error)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        else:
            if self._held is not None:
                self._begin_to_receive(self._held)
            if self._in_message:
                self._count_framing(len(data))

    def on_message_begin(self) -> None:
        """Count the header bytes of a new request; ASGI's scope is made only if it is needed."""
        self._in_headers = self._in_message = True
        self._framing_bytes = -self._others_bytes
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """Hold the request back until it is whole, or until nothing more has come."""
        self._in_headers = False
        if self._header_timer is not None:
            self._end_of_headers()
        if len(self.headers) > MAX_HEADER_FIELDS:
            raise TooManyFields
        if self.parser.should_upgrade():
            return  # the request comes again, without the fields that ask for an upgrade
        if self._is_inference():
            self._held = []
            self._fields, self.headers = self.headers, []  # trailers are no headers
        else:
            self._go_on_as_asgi()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if self._held is not None:
            self._held.append(body)
            return
        self._framing_bytes = -self._data_bytes
        if isinstance(self.cycle, InferCycle):
            self.cycle.take(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Answer a request that is whole."""
        self._in_message = False
        self._others_bytes = self._data_bytes  # how much is another's, only the parser knows
        held = self._held
        if held is not None:
            self._held = None
            if self._is_free():
                keep_alive = self.parser.should_keep_alive()
                self._own_cycle().run(self._fields, b"".join(held), keep_alive=keep_alive)
            else:
                self._queue(held, more_body=False)
        elif self.parser.should_upgrade():
            return
        elif isinstance(self.cycle, InferCycle):
            self.cycle.complete()
        else:
            if self._header_timer is not None:
                self._end_of_headers()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with what came behind the request that was answered."""
        if self._last_words and not self.pipeline:
            self._say_last_words()
            return
        self._came_at = time.perf_counter()
        super().on_response_complete()
        if self.unparsed and not self.pipeline:
            self.loop.call_soon(self._parse_rest)

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop everything: nobody waits for an answer any more."""
        cycles = [cycle for cycle, _ in self.pipeline] + [self.cycle, self._short]
        super().connection_lost(exc)
        for cycle in cycles:
            if isinstance(cycle, InferCycle):
                cycle.abandon()
        # Nothing may keep a request's headers until the garbage collector comes by.
        self._short = self.cycle = None
        self.headers = self._fields = []
        self.scope = {}  # type: ignore[typeddict-item]
        self.pipeline.clear()
        self.unparsed = b""

    def resume_writing(self) -> None:
        """Go on with a client that reads again."""
        super().resume_writing()
        if isinstance(self.cycle, InferCycle):
            self.cycle.send_rest()
        if self._waits_for_reader:
            self._waits_for_reader = False
            self.on_response_complete()

    def end_stalled_body(self) -> bool:
        """Whether another connection's body, for which its client does little, has made room."""
        for each in self.crowd.receiving():
            cycle = each.cycle if isinstance(each, Connection) and each is not self else None
            if isinstance(cycle, InferCycle) and cycle.body and cycle.body.is_stalled:
                cycle.give_up(Overloaded("body: it came too slowly, and others need its room"))
                return True
        return False

    def _is_inference(self) -> bool:
        """Whether this is an inference request for the model that is served."""
        url = self.url
        dialect = self.paths.get(url)
        if dialect is None and (b"%" in url or b"?" in url):
            dialect = self.paths.get(unquote_to_bytes(url.partition(b"?")[0]))
        if dialect is None or self.parser.get_method() != b"POST":
            return False
        self._dialect = dialect
        return True

    def _is_free(self) -> bool:
        """Whether a request is answered at once: none is before it, and its client reads."""
        cycle = self.cycle
        return (cycle is None or cycle.response_complete) and not self.flow.write_paused

    def _own_cycle(self) -> InferCycle:
        if self._short is None:
            self._short = InferCycle(self)
        self._short.dialect = self._dialect
        self.cycle = self._short
        return self._short

    def _queue(self, parts: list[bytes], *, more_body: bool) -> None:
        """Let a request wait for its turn."""
        if self.cycle is None or self.cycle.response_complete:
            self._waits_for_reader = True
        cycle = InferCycle(self)
        cycle.dialect = self._dialect
        keep_alive = self.parser.should_keep_alive() and self.parser.get_http_version() != "1.0"
        cycle.queue(self._fields, parts, keep_alive=keep_alive, more_body=more_body)
        self.cycle = cycle
        self.flow.pause_reading()
        self.pipeline.appendleft((cycle, self.app))  # type: ignore[arg-type]

    def _begin_to_receive(self, held: list[bytes]) -> None:
        """Take the body of a request in parts, of which these have come."""
        self._held = None
        if self._is_free():
            keep_alive = self.parser.should_keep_alive()
            cycle = self._own_cycle()
            cycle.begin(self._fields, held, keep_alive=keep_alive)
            self._body_left = cycle.body.missing if cycle.body is not None else 0
            if self._body_left:
                self.parser = httptools.HttpRequestParser(self)  # it begins with the next request
        else:
            self._queue(held, more_body=True)

    def _start_asgi_task(self, cycle: RequestResponseCycle | InferCycle, app: Any) -> None:  # noqa: ANN401
        if self.flow.write_paused:
            self.pipeline.append((cycle, app))  # type: ignore[arg-type]
            self._waits_for_reader = True
        elif isinstance(cycle, InferCycle):
            self.loop.call_soon(cycle.start)
        else:
            super()._start_asgi_task(cycle, app)

    def _parse_rest(self) -> None:
        rest, self.unparsed = self.unparsed, b""
        if rest and not self.transport.is_closing():
            self._parse_in_pieces(rest)

    def _go_on_as_asgi(self) -> None:
        url, given, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect
        self.headers += given
        super().on_headers_complete()
        self.headers = []  # trailers are no headers
