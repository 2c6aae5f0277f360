"""One inference request of a connection, from its headers to its answer, by callbacks alone."""

import asyncio
from collections import deque
from collections.abc import Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from modelserver.errors import BodyTooLarge, BodyTooSlow, Disconnected, Overloaded, RequestError
from modelserver.http import body as pace
from modelserver.http import headers
from modelserver.http.body import Body
from modelserver.http.dialect import Dialect
from modelserver.http.line import Line
from modelserver.http.reply import conclude
from modelserver.inference.exchange import Exchange, Result
from modelserver.inference.terms import Terms

Fields = list[tuple[bytes, bytes]]

_NOTHING: headers.Given = {}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class _Event:
    """Takes the place of the event by which uvicorn wakes a request that waits."""

    def set(self) -> None:
        """Wake nobody."""


_NOBODY_WAITS = _Event()


class InferCycle:
    """One request after another of a connection, with the attributes that uvicorn looks at.

    A request whose body is there is `run`. Any other `begin`s, `take`s what comes, and `complete`s;
    where requests before it are not answered yet it is first `queue`d, and then `start`ed.
    """

    __slots__ = (
        "_body",
        "_closes",
        "_exchange",
        "_given",
        "_pending",
        "_protocol",
        "_terms",
        "_timer",
        "_unasked",
        "_unsent",
        "dialect",
        "disconnected",
        "ended_at",
        "keep_alive",
        "more_body",
        "response_complete",
    )
    message_event = _NOBODY_WAITS
    dialect: Dialect
    _terms: Terms

    def __init__(self, protocol: Line) -> None:
        self._protocol = protocol
        self.keep_alive = True
        self.disconnected = False
        self.response_complete = False
        self.more_body = False
        self.ended_at = 0.0
        self._closes = False
        self._unasked = False
        self._exchange: Exchange | None = None
        self._given: headers.Given = _NOTHING
        self._body: Body | None = None
        self._pending: tuple[Fields, list[bytes], bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._unsent: deque[bytes | memoryview] | None = None

    def run(self, fields: Fields, body: bytes, *, keep_alive: bool) -> None:
        """Answer a request that came whole."""
        exchange = self._open(fields, keep_alive=keep_alive)
        if exchange.admit():
            try:
                terms = self.dialect.terms(self._given)
            except RequestError as error:
                exchange.fail(error)
            else:
                exchange.run(body, terms)

    def begin(self, fields: Fields, parts: Sequence[bytes], *, keep_alive: bool) -> None:
        """Begin to take a body that comes in parts, or refuse it at once."""
        exchange = self._open(fields, keep_alive=keep_alive)
        self.more_body = True
        self._unasked = self._protocol.expect_100_continue and not parts
        if exchange.expect():
            try:
                announced = headers.content_bytes(self._given)
                self._terms = self.dialect.terms(self._given)
                self._find_room(exchange, announced)
            except RequestError as error:
                exchange.fail(error)
                return
            loop = self._protocol.loop
            self._body = Body(loop.time(), self._terms.json_bytes, announced)
            self._timer = loop.call_at(self._body.until, self._check_pace)
            for part in parts:
                self.take(part)
            if self._unasked:
                self._unasked = False
                self._protocol.transport.write(_CONTINUE)

    def take(self, part: bytes | memoryview) -> None:
        """Take a part of the body; what comes after the answer is thrown away."""
        if self._pending is not None:
            self._pending[1].append(bytes(part))
        elif (body := self._body) is not None and (exchange := self._exchange) is not None:
            body.take(part, self._protocol.loop.time())
            try:
                self._find_room(exchange, len(body.content), hold=True)
            except RequestError as error:
                exchange.fail(error)

    def complete(self) -> None:
        """Take notice that the body is whole."""
        self.more_body = False
        body, exchange = self._body, self._exchange
        self._stop_waiting()
        if body is not None and exchange is not None and exchange.admit():
            exchange.run(body.content, self._terms)
        elif self.response_complete and self._closes:
            self._protocol.transport.close()

    def queue(
        self,
        fields: Fields,
        parts: list[bytes],
        *,
        keep_alive: bool,
        more_body: bool,
    ) -> None:
        """Wait for the answers to the requests before this one."""
        self._pending = (fields, parts, keep_alive)
        self.more_body = more_body

    def start(self) -> None:
        """Go on, now that the requests before this one are answered."""
        pending, self._pending = self._pending, None
        if pending is None or self.disconnected:
            return
        fields, parts, keep_alive = pending
        if self.more_body:
            self.begin(fields, parts, keep_alive=keep_alive)
        else:
            self.run(fields, b"".join(parts), keep_alive=keep_alive)

    def abandon(self) -> None:
        """Take notice that the client is gone."""
        self.disconnected = True
        body, exchange = self._body, self._exchange
        self._pending = None
        for part in self._unsent or ():
            self._protocol.inference.metrics.unsent_bytes -= len(part)
        self._unsent = None
        self._stop_waiting()
        if exchange is not None:
            exchange.cancelled = True
            if body is not None:
                exchange.fail(Disconnected("the client went away while it sent the body"))

    def give_up(self, error: RequestError) -> None:
        """Answer a body that is on its way with an error."""
        if self._body is not None and self._exchange is not None:
            self._exchange.fail(error)

    @property
    def body(self) -> Body | None:
        """The body that is on its way, if one is."""
        return self._body

    def _open(self, fields: Fields, *, keep_alive: bool) -> Exchange:
        protocol = self._protocol
        self.response_complete = False
        self.more_body = self._unasked = False
        self._given = given = dict(fields)
        if b"connection" in given and protocol.parser.get_http_version() == "1.0":
            keep_alive = False  # its clients expect to be told, and to be kept; they are not
        self.keep_alive = keep_alive
        role, request_id = protocol.role or headers.role(given), headers.request_id(given)
        self._exchange = exchange = Exchange(protocol.inference, role, request_id, self._reply)
        return exchange

    def _find_room(self, exchange: Exchange, size: int, *, hold: bool = False) -> None:
        """Hold so much of the body, or see whether it could be; stalled ones have to make room."""
        take = exchange.hold if hold else exchange.check_room
        try:
            take(size)
        except Overloaded:
            if not self._protocol.end_stalled_body():
                raise
            self._find_room(exchange, size, hold=hold)
        except BodyTooLarge as error:
            if hold:
                raise
            most = self._protocol.inference.limits.body_bytes
            raise BodyTooLarge(
                f"header Content-Length: found {size} bytes, expected at most {most}"
            ) from error

    def _check_pace(self) -> None:
        self._timer = None
        body, loop = self._body, self._protocol.loop
        if body is None:
            self._protocol.transport.abort()  # answered long ago, and still it sends
        elif loop.time() < body.until:
            self._timer = loop.call_at(body.until, self._check_pace)
        else:
            self.give_up(BodyTooSlow(pace.too_slow()))

    def _stop_waiting(self) -> None:
        self._body = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _reply(self, exchange: Exchange, result: Result) -> None:
        protocol, given = self._protocol, self._given
        self._exchange, self._given = None, _NOTHING  # tensors and headers are not kept
        if self._body is not None:
            self._stop_waiting()
        inference = protocol.inference
        dialect = self.dialect
        status, answer, traceresponse = conclude(inference, exchange, given, result, dialect)
        self.ended_at = exchange.ended_at
        if self.disconnected:
            return
        self._closes = closing = (
            not self.keep_alive
            or inference.lifecycle.is_draining
            or self._unasked
            or protocol.crowd.is_over
        )
        status, lines = dialect.head(
            status,
            answer,
            request_id=exchange.request_id,
            closing=closing,
            traceresponse=traceresponse,
        )
        default = headers.DEFAULT_LINES.of(protocol.server_state.default_headers)
        protocol.transport.write(
            b"".join((STATUS_LINE[status], default, lines, b"\r\n", answer.body))
        )
        if answer.more:
            self._unsent = deque(answer.more)
            inference.metrics.unsent_bytes += answer.size
            self.send_rest()
        else:
            self._sent()

    def send_rest(self) -> None:
        """Go on with a large answer as far as the client takes it."""
        protocol, unsent = self._protocol, self._unsent
        if unsent is None:
            return
        while unsent and not protocol.flow.write_paused:
            part = unsent.popleft()
            protocol.inference.metrics.unsent_bytes -= len(part)
            protocol.transport.write(part)
        if not unsent:
            self._unsent = None
            self._sent()

    def _sent(self) -> None:
        """Go on after an answer; a body that still comes is thrown away, for a while."""
        self.response_complete = True
        protocol = self._protocol
        if self._unasked:
            protocol.transport.close()  # who knows whether its body comes
        elif self.more_body:
            self._timer = protocol.loop.call_later(pace.PATIENCE_S, self._check_pace)
        elif self._closes:
            protocol.transport.close()
        elif protocol.pipeline or protocol.unparsed or protocol.is_deaf:
            protocol.on_response_complete()
