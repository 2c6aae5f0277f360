"""One question of a probe over a real socket, and every way in which it goes wrong."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from modelctl.local.servers.asking import ask

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def asked(answer: Answer, *, timeout_s: float = 60) -> tuple[str | None, bytes]:
    """The outcome of a question to a server that answers so, and what that server read."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        await answer(reader, writer)
        writer.close()

    async def whole() -> str | None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            return await outcome(server.sockets[0].getsockname()[1], timeout_s=timeout_s)

    return asyncio.run(whole()), b"".join(heard)


async def outcome(port: int, *, timeout_s: float = 60) -> str | None:
    """The outcome of one question."""
    told: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
    ask(port, "/ready?x=1", timeout_s, told.set_result)
    assert not told.done()
    return await told


def says(content: bytes) -> Answer:
    """A server that answers with these bytes."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(content)

    return answer


async def nothing_at_all(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Answer nothing for as long as the caller waits."""
    await reader.read()


async def in_pieces(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a byte at a time."""
    for byte in b"HTTP/1.1 204 No Content\r\n":
        writer.write(bytes([byte]))
        await writer.drain()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", None),
        (b"HTTP/1.0 399 Odd\r\n\r\n", None),
        (b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nlate", "status 503"),
        (b"HTTP/1.1 199 Early\r\n\r\n", "status 199"),
        (b"HTTP/1.1 200 OK", "no HTTP answer"),
        (b"", "no HTTP answer"),
        (b"SSH-2.0-OpenSSH\r\n", "no HTTP answer"),
        (b"HTTP/1.1 fine\r\n", "no HTTP answer"),
        (b"x" * 100_000, "no HTTP answer"),
    ],
)
def test_outcome(content: bytes, expected: str | None) -> None:
    """Statuses from 200 to 399 are a success, as Kubernetes counts them."""
    assert expected == asked(says(content))[0]


def test_question() -> None:
    """The question is a whole request on a connection of its own."""
    _, heard = asked(says(b"HTTP/1.1 200 OK\r\n\r\n"))

    assert heard.startswith(b"GET /ready?x=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nConnection: close\r\n" in heard


def test_answer_in_pieces() -> None:
    """An answer that comes a byte at a time is put together."""
    assert asked(in_pieces)[0] is None


def test_no_answer_in_time() -> None:
    """A server that accepts and says nothing is given up after the probe's time."""
    assert "no answer within 0.05 s" == asked(nothing_at_all, timeout_s=0.05)[0]


def test_nobody_listens() -> None:
    """A port that nobody listens on is told in the system's words."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    assert "Connection refused" == asyncio.run(outcome(port))


@pytest.mark.parametrize("room", [True, False])
def test_withdrawn_question(room: bool) -> None:  # noqa: FBT001
    """A question that is withdrawn tells nothing, connected already or still waiting for room."""
    told: list[str | None] = []

    async def story() -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(8 if room else 0)
            port = full.getsockname()[1]
            before = [ask(port, "/", 60, told.append) for _ in range(5)]
            for withdraw in before:
                withdraw()
                withdraw()
            await asyncio.sleep(0)

    asyncio.run(story())
    assert [] == told


def test_server_without_room() -> None:
    """A server that hangs with its queue full gets no question, and is given up in time."""

    async def story() -> list[str | None]:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            return list(await asyncio.gather(*(outcome(port, timeout_s=0.05) for _ in range(5))))

    assert ["no answer within 0.05 s"] * 5 == asyncio.run(story())


def test_question_after_waiting_for_room() -> None:
    """A question that had to wait for its connection is asked once that is there."""

    async def story() -> list[str | None]:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            full.setblocking(False)  # noqa: FBT003 - positional only
            asking = [asyncio.ensure_future(outcome(full.getsockname()[1])) for _ in range(3)]
            loop = asyncio.get_running_loop()
            for _ in asking:
                connection, _address = await loop.sock_accept(full)
                await loop.sock_recv(connection, 4096)
                await loop.sock_sendall(connection, b"HTTP/1.1 200 OK\r\n\r\n")
                connection.close()
            return [await each for each in asking]

    assert [None] * 3 == asyncio.run(story())
