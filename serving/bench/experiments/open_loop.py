"""A client that sends at a fixed rate, however late the answers are."""

import asyncio
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from serving.bench.dialects import Body
from serving.bench.wrk import Target

MAX_CONNECTIONS = 500
"""Below the usual limit of open files; what would need more counts as lost."""
GRACE_S = 10
PROBE_EVERY_S = 0.1
LOST = 0
"""Stands for the status when there was no answer."""

Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Answered:
    """One request: when it was sent, its status (`LOST` without an answer), how long it took."""

    sent_s: float
    status: int
    taken_s: float


async def run(
    target: Target, *, ready_path: str, per_s: float, seconds: float
) -> tuple[list[Answered], list[Answered]]:
    """Every request of `seconds`, and every readiness probe made meanwhile."""
    ready = Target(target.port, ready_path, Body(b"", {}))
    return await asyncio.gather(
        _at_rate(_Client(target, "POST"), per_s=per_s, seconds=seconds),
        _at_rate(_Client(ready, "GET"), per_s=1 / PROBE_EVERY_S, seconds=seconds),
    )


async def _at_rate(client: "_Client", *, per_s: float, seconds: float) -> list[Answered]:
    """One request after the other without waiting for answers; what is late counts as lost."""
    began = time.perf_counter()
    sent: list[asyncio.Task[Answered]] = []
    for number in range(int(per_s * seconds)):
        await asyncio.sleep(max(0, began + number / per_s - time.perf_counter()))
        sent.append(asyncio.create_task(_timed(client.status(), began)))
    _, late = await asyncio.wait(sent, timeout=GRACE_S)
    for task in late:
        task.cancel()
    answers = await asyncio.gather(*sent)
    client.close()
    return answers


async def _timed(asking: Coroutine[Any, Any, int], began: float) -> Answered:
    sent = time.perf_counter()
    try:
        status = await asking
    except (OSError, EOFError, ValueError, asyncio.CancelledError):
        status = LOST
    return Answered(sent - began, status, time.perf_counter() - sent)


class _Client:
    """One kind of request over connections that stay open between requests."""

    def __init__(self, target: Target, method: str) -> None:
        headers = {
            "Host": "127.0.0.1",
            "Content-Length": str(len(target.body.content)),
            **target.body.headers,
        }
        lines = [f"{method} {target.path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        self._port = target.port
        self._request = "\r\n".join([*lines, "", ""]).encode() + target.body.content
        self._idle: deque[Link] = deque()
        self._open = 0

    async def status(self) -> int:
        """Status of one request; OSError, EOFError or ValueError when there is none."""
        link = self._idle.pop() if self._idle else await self._connect()
        reusable = False
        try:
            link[1].write(self._request)
            status, reusable = await _answer(link[0])
        finally:
            if reusable:
                self._idle.append(link)
            else:
                self._drop(link)
        return status

    def close(self) -> None:
        """End the idle connections."""
        while self._idle:
            self._drop(self._idle.pop())

    async def _connect(self) -> Link:
        if self._open >= MAX_CONNECTIONS:
            raise OSError(f"{MAX_CONNECTIONS} connections are open already")
        self._open += 1
        try:
            return await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            self._open -= 1
            raise

    def _drop(self, link: Link) -> None:
        self._open -= 1
        link[1].close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Status of the answer, and whether the connection can be used again."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = head.lower().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
    await reader.readexactly(int(headers.get("content-length", "0")))
    chunked = "transfer-encoding" in headers
    return int(lines[0].split()[1]), not chunked and headers.get("connection") != "close"
