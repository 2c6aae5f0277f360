"""Callers on threads of their own: some ask again at once, some at random times, all look at it.

A closed loop shows what a busy client meets; an open one goes on asking while nothing answers.
"""

import asyncio
import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Self

import numpy as np

from tests.chaos.ledger import Ledger, Request

Oracle = Callable[[str, np.ndarray], np.ndarray]
"""What ONNX Runtime answers for a release and an input `float32[n, 1]`."""

_CLOSED = 3  # connections that ask again as soon as they are answered
_PAUSE_S = 0.004  # between two requests of one of them: the engine needs the processor too
_OPEN_PER_S = 25.0  # requests on connections of their own, at random times
_LIMIT_S = 10.0  # for an answer
_LARGEST = 100.0  # of an input


class Callers:
    """Asks for predictions until the block ends, and writes down what came back."""

    def __init__(self, port: Callable[[], int], path: str, oracle: Oracle, ledger: Ledger) -> None:
        self._port = port
        self._path = path
        self._oracle = oracle
        self._ledger = ledger
        self._stopped = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._call()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        self._thread.join()

    async def _call(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(_CLOSED):
                group.create_task(self._closed(random.Random(number)))
            group.create_task(self._open(random.Random(_CLOSED), group))

    async def _closed(self, chance: random.Random) -> None:
        connection: _Connection | None = None
        while not self._stopped:
            connection = connection or _Connection(self._port())
            if not await self._ask(connection, chance):
                connection.close()
                connection = None
            await asyncio.sleep(_PAUSE_S)
        if connection:
            connection.close()

    async def _open(self, chance: random.Random, group: asyncio.TaskGroup) -> None:
        while not self._stopped:
            await asyncio.sleep(chance.expovariate(_OPEN_PER_S))
            group.create_task(self._ask_once(random.Random(chance.random())))

    async def _ask_once(self, chance: random.Random) -> None:
        connection = _Connection(self._port())
        await self._ask(connection, chance)
        connection.close()

    async def _ask(self, connection: "_Connection", chance: random.Random) -> bool:
        """Ask once, and note what came; whether the connection is good for another request."""
        given = np.float32([[chance.uniform(-_LARGEST, _LARGEST)] for _ in range(2)])
        began = time.monotonic()
        release = failure = wrong = ""
        try:
            async with asyncio.timeout(_LIMIT_S):
                status, body = await connection.infer(self._path, given)
            if status == 200:
                release, wrong = self._judged(given, body)
            else:
                failure = f"status {status}: {body[:200].decode(errors='replace')}"
        except (OSError, EOFError, ValueError) as error:
            failure = repr(error)
        ended = time.monotonic()
        self._ledger.requests.append(Request(began, ended, release, failure, wrong))
        return not failure

    def _judged(self, given: np.ndarray, body: bytes) -> tuple[str, str]:
        """The release that answered, and what is wrong with its answer."""
        answer = json.loads(body)
        release = str(answer["model_version"])
        found = np.float32(answer["outputs"][0]["data"])
        expected = self._oracle(release, given).ravel()
        same = np.array_equal(found, expected)
        return release, "" if same else f"{release}: found {found}, expected {expected}"


class _Connection:
    """HTTP/1.1 on one connection, opened by the first request."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def infer(self, path: str, given: np.ndarray) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        tensor = {"name": "x", "datatype": "FP32", "shape": list(given.shape)}
        body = json.dumps({"inputs": [tensor | {"data": given.ravel().tolist()}]}).encode()
        writer.write(
            f"POST {path} HTTP/1.1\r\nhost: models.localhost\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            + body
        )
        return await _answer(reader)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first = await reader.readline()
    if not first.endswith(b"\n"):
        raise EOFError("the connection was closed instead of an answer")
    status = int(first.split()[1])
    headers: dict[bytes, bytes] = {}
    while line := (await reader.readline()).strip():
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    return status, await reader.readexactly(_length(headers))


def _length(headers: Mapping[bytes, bytes]) -> int:
    length = headers.get(b"content-length")
    if length is None:
        raise ValueError(f"an answer without a length: {headers}")
    return int(length)
