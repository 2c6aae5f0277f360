"""A server that costs little: it answers in the event loop of the test."""

import asyncio
from contextlib import suppress

from modelctl.local.plan.endpoints import Host


class Server:
    """Answers every request with its name, and closes its connections when it ends."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.answered = 0
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> Host:
        """Listen, and give where."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        return Host(port, port, ready=True)

    def stop(self) -> None:
        """Listen no more, and close what is open."""
        self._server.close()
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                self.answered += 1
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n" + self.name.encode())
        writer.close()
        self._writers.discard(writer)
