"""Requests as bytes on a connection, for tests that need more than an HTTP client allows."""

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.serving.conftest import Server

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def address(server: "Server") -> tuple[str, int]:
    """Where a server listens."""
    host, port = server.url.removeprefix("http://").split(":")
    return host, int(port)


def raw_request(body: bytes, **headers: str) -> bytes:
    """An inference request; underscores in the names of `headers` are hyphens."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"POST /v2/models/sample/infer HTTP/1.1\r\nhost: x\r\n{lines}content-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    """Status, headers in lower case and body of the next answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    lengths = [line for line in head.split(b"\r\n") if line.startswith(b"content-length")]
    body = await reader.readexactly(sum(int(line.partition(b":")[2]) for line in lengths))
    return int(head[9:12]), head, body


async def close(connection: Connection) -> None:
    """End a connection."""
    _, writer = connection
    writer.close()
    await writer.wait_closed()
