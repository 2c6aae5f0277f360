"""Load on one model: keep-alive HTTP connections to loopback that count who answered what."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_VERSION = re.compile(rb'"model_version": ?"(r\d+)"')
_OK = 200
_TIMEOUT_S = 10.0


@dataclass(slots=True)
class Tally:
    """What came back: answers by release, and what failed by reason."""

    releases: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    first_seen: dict[str, float] = field(default_factory=dict)  # release: monotonic seconds
    last_seen: dict[str, float] = field(default_factory=dict)
    longest_gap_s: float = 0.0  # between two answers
    reached: asyncio.Event = field(default_factory=asyncio.Event)  # `goal` predictions
    goal: int = 0
    _last: float = 0.0

    @property
    def answered(self) -> int:
        """Requests that got a prediction."""
        return self.releases.total()

    @property
    def failed(self) -> int:
        """Requests that got anything else, or nothing."""
        return self.failures.total()

    @property
    def asked(self) -> int:
        """All requests."""
        return self.answered + self.failed

    def count(self, status: int, body: bytes) -> None:
        """Count one answer."""
        match = _VERSION.search(body)
        if status != _OK or match is None:
            self.failures[f"status {status}"] += 1
            return
        release, now = match[1].decode(), time.monotonic()
        self.releases[release] += 1
        self.first_seen.setdefault(release, now)
        self.last_seen[release] = now
        self.longest_gap_s = max(self.longest_gap_s, now - (self._last or now))
        self._last = now
        if self.answered >= self.goal:
            self.reached.set()


@dataclass(frozen=True, slots=True)
class Target:
    """Where a model answers: a loopback port, its path, and one request body."""

    port: int
    path: str
    body: bytes
    headers: tuple[str, ...] = ()

    def request(self) -> bytes:
        """The whole request as bytes."""
        lines = [
            f"POST {self.path} HTTP/1.1",
            "Host: models.localhost",
            "Content-Type: application/json",
            f"Content-Length: {len(self.body)}",
            *self.headers,
        ]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


async def send(target: Target, requests: int, connections: int = 8) -> Tally:
    """Send a number of requests over some connections and tally the answers."""
    tally = Tally()
    left = iter(range(requests))
    await asyncio.gather(*(_work(target, left, tally) for _ in range(connections)))
    return tally


async def predict(target: Target) -> dict[str, Any]:
    """The whole answer to one request."""
    connection = await asyncio.open_connection("127.0.0.1", target.port)
    _, body = await asyncio.wait_for(_exchange(*connection, target.request()), _TIMEOUT_S)
    await _close(connection)
    answer: dict[str, Any] = json.loads(body)
    return answer


class Background:
    """Steady load while something else happens; `stop` gives the tally."""

    def __init__(self, target: Target, connections: int = 2) -> None:
        self.tally = Tally()
        self._going = True
        self._tasks = [
            asyncio.create_task(_work(target, self._until_stopped(), self.tally, pause_s=0.002))
            for _ in range(connections)
        ]

    async def more(self, count: int, limit_s: float = 40.0) -> bool:
        """Wait until so many more requests got a prediction; False if that takes too long."""
        self.tally.goal = self.tally.answered + count
        self.tally.reached.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.tally.reached.wait(), limit_s)
        return self.tally.reached.is_set()

    async def stop(self) -> Tally:
        """Stop after the requests in flight."""
        self._going = False
        await asyncio.gather(*self._tasks)
        return self.tally

    def _until_stopped(self) -> Iterator[int]:
        number = 0
        while self._going:
            yield number
            number += 1


async def _work(target: Target, turns: Iterator[int], tally: Tally, pause_s: float = 0) -> None:
    request = target.request()
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    for _ in turns:
        try:
            if connection is None:
                connection = await asyncio.open_connection("127.0.0.1", target.port)
            status, body = await asyncio.wait_for(_exchange(*connection, request), _TIMEOUT_S)
            tally.count(status, body)
        except (OSError, EOFError, ValueError) as error:
            tally.failures[type(error).__name__] += 1
            await _close(connection)
            connection = None
        if pause_s:
            await asyncio.sleep(pause_s)
    await _close(connection)


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, bytes]:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if length is None:
        raise ValueError("an answer without a length")
    return int(head[9:12]), await reader.readexactly(int(length[1]))


async def _close(
    connection: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None,
) -> None:
    if connection is not None:
        connection[1].close()
        with suppress(OSError):
            await connection[1].wait_closed()
