"""The small HTTP client of probes and administration pages."""

import asyncio
from contextlib import suppress

import pytest

from modelctl.local.servers.httpget import Answer, get


async def answer_with(content: bytes | None) -> Answer:
    """What `get` makes of a server that sends these bytes, or None and nothing for ever."""
    ended = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):  # who waits so briefly may be gone by now
            await reader.readuntil(b"\r\n\r\n")
        if content is None:
            await reader.read()
        else:
            writer.write(content)
        writer.close()
        await writer.wait_closed()
        ended.set()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        try:
            return await get(
                server.sockets[0].getsockname()[1],
                "/ready",
                timeout_s=0.3 if content is None else 60,
            )
        finally:
            await ended.wait()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Answer(200, b"ok")),
        (b"HTTP/1.1 503 No\r\n\r\nuntil the end", Answer(503, b"until the end")),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\n\r\n",
            Answer(200, b"ok!"),
        ),
    ],
)
def test_answers(content: bytes, expected: Answer) -> None:
    """Bodies by length, by end of connection and in chunks are read whole."""
    assert expected == asyncio.run(answer_with(content))


@pytest.mark.parametrize(
    "content", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"]
)
def test_no_answer(content: bytes) -> None:
    """Anything that is no whole HTTP answer is an error of the connection."""
    with pytest.raises(ConnectionError, match="gave no HTTP answer to /ready"):
        asyncio.run(answer_with(content))


def test_silence() -> None:
    """A server that says nothing is given up after the limit."""
    with pytest.raises(TimeoutError):
        asyncio.run(answer_with(None))


@pytest.mark.parametrize(("status", "ok"), [(199, False), (200, True), (399, True), (400, False)])
def test_success(status: int, ok: bool) -> None:  # noqa: FBT001 - a parameter
    """A probe takes 200 to 399 for a success, as Kubernetes does."""
    assert ok is Answer(status, b"").ok
