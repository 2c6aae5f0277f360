"""Sends mutated requests to a live server and judges every answer.

By hand, for a long run: ``python -m tests.serving.fuzz.drive --requests 100000 --seed 1``.
"""

import argparse
import asyncio
import json
import tempfile
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tests.serving import onnx_models
from tests.serving.conftest import start_server, write_release
from tests.serving.fuzz.mutations import broken_framing, requests
from tests.serving.wire import Connection, address, close, read_answer

if TYPE_CHECKING:
    from tests.serving.conftest import Server

CLIENTS = 8
STOPPED = 40
"""Clients that stopped in the middle of their requests, at any time."""

ANSWER_S = 20.0
MAX_BODY_BYTES = 2_000_000
ENDED = (asyncio.IncompleteReadError, ConnectionError)


@dataclass
class Verdict:
    """Answers by status, and what should not have happened."""

    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def judge(self, sent: bytes, status: int, head: bytes, body: bytes) -> None:
        """Whether an answer is one that a client may get for such a request."""
        self.statuses[status] += 1
        if status >= 500 and status != 504:  # 504: the request itself gave a millisecond
            self.faults.append(f"{status} {body[:200]!r} for {sent[:600]!r}")
        elif status >= 400 and not json.loads(body).get("error"):
            self.faults.append(f"{status} without error for {sent[:600]!r}")
        elif b"x-request-id: " not in head:
            self.faults.append(f"no request id for {sent[:600]!r}")


async def final_answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    """The next answer that is not ``100 Continue``."""
    status = 100
    while status == 100:
        status, head, body = await read_answer(reader)
    return status, head, body


async def ask(connection: Connection, message: bytes, verdict: Verdict) -> bool:
    """Whether the connection can go on after the answer."""
    reader, writer = connection
    writer.write(message)
    status, head, body = await final_answer(reader)
    verdict.judge(message, status, head, body)
    return b"\r\nconnection: close" not in head


async def client(server: "Server", messages: Iterator[bytes], verdict: Verdict) -> None:
    """Send requests, on one connection as long as the server keeps it."""
    connection = await asyncio.open_connection(*address(server))
    for message in messages:
        try:
            async with asyncio.timeout(ANSWER_S):
                going_on = await ask(connection, message, verdict)
        except ENDED:
            verdict.faults.append(f"no answer for {message[:600]!r}")
            going_on = False
        except TimeoutError:
            verdict.faults.append(f"silence for {message[:600]!r}")
            going_on = False
        if not going_on:
            with suppress(ConnectionError):
                await close(connection)
            connection = await asyncio.open_connection(*address(server))
    await close(connection)


async def breaker(server: "Server", messages: Iterator[bytes], verdict: Verdict) -> None:
    """Send what is no HTTP, each on its own connection, and look at what comes back."""
    for message in messages:
        connection = await asyncio.open_connection(*address(server))
        connection[1].write(message)
        with suppress(OSError):  # it may have been closed already
            connection[1].write_eof()
        with suppress(*ENDED):
            async with asyncio.timeout(ANSWER_S):
                verdict.judge(message, *await final_answer(connection[0]))
        with suppress(ConnectionError):
            await close(connection)


async def stopper(server: "Server", messages: Iterator[bytes]) -> None:
    """Stop in the middle of requests, with many of them open, and hang up in the end."""
    opened: deque[Connection] = deque()
    for message in messages:
        with suppress(ConnectionError):
            opened.append(await asyncio.open_connection(*address(server)))
            opened[-1][1].write(message[: max(1, len(message) - 1 - len(message) // 7)])
            await opened[-1][1].drain()
        if len(opened) > STOPPED:
            await hang_up(opened.popleft())
    for connection in opened:
        await hang_up(connection)


async def hang_up(connection: Connection) -> None:
    """End a connection without a word."""
    connection[1].transport.abort()
    with suppress(ConnectionError):
        await connection[1].wait_closed()


async def run(server: "Server", *, count: int, seed: int) -> Verdict:
    """Send `count` requests, and a tenth as many that are broken, or stop in the middle."""
    verdict = Verdict()
    whole = islice(requests(seed), count)
    broken = islice(broken_framing(seed), count // 10)
    stopped = islice(requests(seed + 1), count // 10)
    await asyncio.gather(
        *(client(server, whole, verdict) for _ in range(CLIENTS)),
        breaker(server, broken, verdict),
        stopper(server, stopped),
    )
    return verdict


@contextmanager
def fuzzed_server(folder: Path, joining: str = "") -> Iterator["Server"]:
    """A ready server to send them to; `joining` is Python that it runs first."""
    environment = write_release(
        folder, onnx_models.pair(), BATCHING_MAX_SIZE=8, MAX_BODY_BYTES=MAX_BODY_BYTES
    )
    program = f"{joining}\nfrom modelserver.__main__ import main\nmain()"
    server = start_server(environment, folder / "server.log", ("-c", program))
    try:
        server.until("ready")
        yield server
    finally:
        server.close()


def main() -> None:
    """A run as long as one likes; exits with 1 after a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, fuzzed_server(Path(folder)) as server:
        before = server.metric("process_resident_memory_bytes")
        verdict = asyncio.run(run(server, count=chosen.requests, seed=chosen.seed))
        grown = server.metric("process_resident_memory_bytes") - before
        alive = server.process.poll() is None
        errors = [each for each in server.events() if each["level"] == "error"]
    print(f"statuses: {dict(sorted(verdict.statuses.items()))}")  # noqa: T201 - a report
    print(f"alive: {alive}; memory grew by {grown / 2**20:.1f} MiB; errors logged: {errors[:3]}")  # noqa: T201
    print("\n".join(verdict.faults[:20]) or "no faults")  # noqa: T201
    raise SystemExit(bool(verdict.faults or errors or not alive))


if __name__ == "__main__":
    main()
