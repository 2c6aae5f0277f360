"""A connection on a real parser, with a transport that only remembers what was written."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from modelserver.http import bounded
from modelserver.http.connection import Connection
from modelserver.http.crowd import Crowd, Room
from modelserver.http.cycle import InferCycle
from modelserver.http.dialect import REST
from modelserver.inference.lifecycle import Lifecycle
from modelserver.inference.limits import Limits
from modelserver.inference.shared import Inference
from modelserver.observe.metrics import Metrics

WHOLE = b"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"
HEAD, BODY = WHOLE[:-2], WHOLE[-2:]


class Transport(asyncio.Transport):
    """Remembers what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Remember it."""
        self.written += data

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.closed

    def close(self) -> None:
        """Remember that."""
        self.closed = True

    def abort(self) -> None:
        """Remember that."""
        self.aborted = True

    def get_write_buffer_size(self) -> int:
        """As if nobody read."""
        return len(self.written)

    def pause_reading(self) -> None:
        """Nothing is read here."""

    def resume_reading(self) -> None:
        """Nothing is read here."""


def after(use: Callable[[Connection], None]) -> tuple[Any, Transport]:
    """The last request of a connection to a server that is still starting, after `use`."""

    async def run() -> tuple[Any, Transport]:
        metrics = Metrics(model="sample", release="r1")
        inference = Inference(
            lifecycle=Lifecycle(metrics),
            metrics=metrics,
            limits=Limits(requests=1, body_bytes=100, total_bytes=400),
        )
        served = {
            "inference": inference,
            "paths": {b"/v2/models/sample/infer": REST},
            "crowd": Crowd(Room(9, 9, 9), metrics),
        }
        kind = type("Served", (Connection,), served)
        over = asyncio.Event()

        async def application(_scope: object, _receive: object, _send: object) -> None:
            await over.wait()

        config = uvicorn.Config(application, log_config=None, ws="none", lifespan="off")
        protocol = kind(config, ServerState(), {})
        transport = Transport()
        protocol.connection_made(transport)
        use(protocol)
        await asyncio.sleep(0)  # timers that are due run now
        await asyncio.sleep(0)
        cycle = protocol.cycle
        protocol.connection_lost(ConnectionResetError())
        over.set()
        await asyncio.gather(*protocol.tasks)
        assert (protocol.cycle, protocol.headers) == (None, [])
        return cycle, transport

    return asyncio.run(run())


def test_whole_request_takes_the_short_way() -> None:
    """A request that arrives in one piece is answered without a task."""
    cycle, transport = after(lambda protocol: protocol.data_received(WHOLE))

    assert not isinstance(cycle, RequestResponseCycle)
    assert transport.written.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert not transport.closed


def test_connection_serves_one_request_after_another() -> None:
    """The connection stays open, and each request takes the short way."""

    def use(protocol: Connection) -> None:
        for _ in range(3):
            protocol.data_received(WHOLE)

    _, transport = after(use)

    assert transport.written.count(b"HTTP/1.1 503") == 3
    assert not transport.closed


@pytest.mark.parametrize("head", [HEAD.replace(b"POST", b"PUT"), HEAD.replace(b"sample", b"other")])
def test_other_requests_go_to_the_application(head: bytes) -> None:
    """Only an inference request for the served model is answered here."""
    cycle, transport = after(lambda protocol: protocol.data_received(head + BODY))

    assert isinstance(cycle, RequestResponseCycle)
    assert transport.written == b""


@pytest.mark.parametrize("path", [b"/v2/models/%73ample/infer", b"/v2/models/sample/infer?a=b"])
def test_other_spellings_of_the_path(path: bytes) -> None:
    """A path may be escaped, and a query is ignored."""
    whole = WHOLE.replace(b"/v2/models/sample/infer", path)
    _, transport = after(lambda protocol: protocol.data_received(whole))

    assert transport.written.startswith(b"HTTP/1.1 503 ")


def test_request_in_parts_is_refused_before_it_is_whole() -> None:
    """Where no body is wanted, the answer does not wait for it; the connection goes on after it."""

    def use(protocol: Connection) -> None:
        protocol.data_received(HEAD + BODY[:1])
        protocol.data_received(BODY[1:])
        protocol.data_received(WHOLE)

    cycle, transport = after(use)

    assert isinstance(cycle, InferCycle)
    assert transport.written.count(b"HTTP/1.1 503") == 2
    assert not transport.closed


def test_client_that_does_not_read_waits() -> None:
    """Where answers pile up, the next request waits until they are read."""

    def use(protocol: Connection) -> None:
        protocol.pause_writing()
        protocol.data_received(WHOLE)
        written.append(protocol.transport.written)  # type: ignore[attr-defined]
        protocol.resume_writing()

    written: list[bytes] = []
    _, transport = after(use)

    assert [b""] == written
    assert transport.written.startswith(b"HTTP/1.1 503 ")


def test_connection_close_is_kept() -> None:
    """A client that wants the connection closed gets it closed after its answer."""
    close = WHOLE.replace(b"host: x", b"connection: close")
    _, transport = after(lambda protocol: protocol.data_received(close))

    assert b"connection: close\r\n" in transport.written
    assert transport.closed


def test_endless_headers_are_cut_off() -> None:
    """Headers are bounded, however slowly they come."""

    def use(protocol: Connection) -> None:
        protocol.data_received(b"GET / HTTP/1.1\r\n")
        for _ in range(70):
            protocol.data_received(b"a: %b\r\n" % (b"b" * 1000))

    _, transport = after(use)

    assert transport.written.startswith(b"HTTP/1.1 431 ")
    assert transport.closed


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No patience with slow clients."""
    monkeypatch.setattr(bounded, "HEADERS_S", 0.0)
    monkeypatch.setattr(bounded, "READ_S", 0.0)


@pytest.mark.usefixtures("impatient")
def test_slow_headers_are_cut_off() -> None:
    """A client that begins a request and does not go on is told so, and its connection freed."""
    _, transport = after(lambda protocol: protocol.data_received(HEAD[:20]))

    assert transport.written.startswith(b"HTTP/1.1 408 ")
    assert transport.closed


@pytest.mark.usefixtures("impatient")
def test_slow_reader_is_cut_off() -> None:
    """A client that takes nothing of its answers does not hold them for ever."""
    _, transport = after(Connection.pause_writing)

    assert transport.aborted


@pytest.mark.usefixtures("impatient")
def test_patience_ends_with_the_wait() -> None:
    """Whoever goes on in time is not cut off."""

    def use(protocol: Connection) -> None:
        protocol.data_received(HEAD[:20])
        protocol.data_received(HEAD[20:] + BODY)
        protocol.pause_writing()
        protocol.resume_writing()

    _, transport = after(use)

    assert transport.written.startswith(b"HTTP/1.1 503 ")
    assert not transport.closed
    assert not transport.aborted
