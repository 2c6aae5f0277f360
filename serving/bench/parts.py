"""``python -m serving.bench.parts``: what the steps of a small request cost, without sockets.

One process, one thread. Every part is run in turn, round after round; shown is the quickest round
of each, in microseconds a request and as a share of the whole.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httptools
import msgspec
import numpy as np
import uvloop
from uvicorn.server import ServerState

from modelserver.codec.calls import Call, Codec
from modelserver.codec.protocol import flat_request_decoder
from modelserver.http import transport
from modelserver.http.front import front, infer_paths
from modelserver.http.listeners import Listeners
from modelserver.inference.guard import Guard
from modelserver.inference.lifecycle import Lifecycle, Serving
from modelserver.inference.pace import Pace
from modelserver.inference.scheduler import Scheduler
from modelserver.inference.shared import Inference
from modelserver.observe.metrics import Metrics
from modelserver.settings import PREFIX, Settings, read
from modelserver.start import steps
from modelserver.start.footprint import free_axes
from serving.bench.models import INPUT, MODELS, BenchModel, ModelFile, write

CONNECTIONS = 32
ROUNDS, TURNS = 30, 100

Part = Callable[[], Awaitable[None]]


class _Sink(asyncio.Transport):
    """Takes answers and drops them."""

    def get_extra_info(self, name: str, default: object = None) -> object:  # noqa: ARG002
        return default

    def is_closing(self) -> bool:
        return False

    def write(self, data: object) -> None:
        pass


class _Deaf:
    """A parser's callbacks that do nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda *_: None


class _Quick(Pace):
    """Keeps every call in the event loop, whatever else this machine does meanwhile."""

    def ran_too_long(self, call: Call) -> None:
        pass


@dataclass(frozen=True)
class _Server:
    """The model server without its socket."""

    serving: Serving
    connections: list[Any]
    body: bytes

    @property
    def request(self) -> bytes:
        head = (
            f"POST /v2/models/{_MODEL.name}/infer HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


_MODEL: BenchModel = MODELS[0]


def _settings(file: ModelFile, cache: Path) -> Settings:
    chosen = {
        "MODEL": file.model.name,
        "RELEASE": "r1",
        "ARTIFACT_URI": f"file:{file.path.name}",
        "ARTIFACT_ROOT": file.path.parent,
        "ARTIFACT_SHA256": file.sha256,
        "ARTIFACT_BYTES": file.size_bytes,
        "CONTRACT": file.contract,
        "THREADS": 1,
        "BATCHING_MAX_SIZE": CONNECTIONS,
        "CACHE_DIR": cache,
    }
    return read({f"{PREFIX}{name}": str(value) for name, value in chosen.items()})


def _server(settings: Settings) -> _Server:
    metrics = Metrics(model=settings.model, release=settings.release)
    lifecycle = Lifecycle(metrics)
    inference = Inference(
        lifecycle=lifecycle,
        metrics=metrics,
        limits=settings.limits().without_memory(),
    )
    loaded = steps.load(settings.wanted(), lambda _: None)
    model = loaded.model
    codec = Codec(model=settings.model, release=settings.release, contract=model.contract)
    pace = _Quick(free_axes(model.contract), [(CONNECTIONS,)])
    scheduler = Scheduler(model, metrics, pace, max_rows=CONNECTIONS)
    guard = Guard(settings.guard(), model.contract, metrics, lifecycle.doubt)
    serving = Serving(
        model=model,
        profile=loaded.profile,
        codec=codec,
        scheduler=scheduler,
        guard=guard,
        batching="",
        independence="",
        pace=pace,
    )
    lifecycle.ready(serving)
    app = front(
        model=settings.model,
        release=settings.release,
        contract=model.contract,
        inference=inference,
    )
    paths = infer_paths(settings.model, settings.release)
    config = transport.server(app, inference, paths, release="r1", listeners=Listeners()).config
    config.load()
    made: Any = config.http_protocol_class
    state = ServerState()
    connections = [made(config, state, {}) for _ in range(CONNECTIONS)]
    for each in connections:
        each.connection_made(_Sink())
    row = _MODEL.sample(1)
    tensor = {"name": INPUT, "datatype": "FP32", "shape": row.shape, "data": row.ravel().tolist()}
    return _Server(serving, connections, json.dumps({"inputs": [tensor]}).encode())


def _parts(server: _Server) -> dict[str, Part]:
    """What is timed: each is one turn of `CONNECTIONS` requests."""
    codec, model, request = server.serving.codec, server.serving.model, server.request
    parser = httptools.HttpRequestParser(_Deaf())
    read = flat_request_decoder(float).decode
    call = codec.decode(server.body)
    outputs = model.run(call.outputs, call.feeds)
    batch = {name: np.repeat(array, CONNECTIONS, 0) for name, array in call.feeds.items()}
    answer = msgspec.json.decode(codec.encode(call, outputs).body)
    write_json = msgspec.json.Encoder().encode

    async def whole() -> None:
        for each in server.connections:
            each.data_received(request)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    return {
        "HTTP parser": _each(lambda: parser.feed_data(request)),
        "JSON of the request": _each(lambda: read(server.body)),
        "the same, checked, as arrays": _each(lambda: codec.decode(server.body)),
        "model, a row in a batch": _once(lambda: model.run(call.outputs, batch)),
        "JSON of the answer": _each(lambda: write_json(answer)),
        "the same, from arrays": _each(lambda: codec.encode(call, outputs)),
        "whole request": whole,
    }


def _each(work: Callable[[], object]) -> Part:
    async def turn() -> None:
        for _ in range(CONNECTIONS):
            work()

    return turn


def _once(work: Callable[[], object]) -> Part:
    async def turn() -> None:
        work()

    return turn


async def measure(settings: Settings) -> dict[str, float]:
    """Microseconds a request by part."""
    parts = _parts(_server(settings))
    best = dict.fromkeys(parts, float("inf"))
    for _ in range(ROUNDS):
        for name, turn in parts.items():
            began = time.perf_counter()
            for _ in range(TURNS):
                await turn()
            took_us = (time.perf_counter() - began) / TURNS / CONNECTIONS * 1e6
            best[name] = min(best[name], took_us)
    return best


def main() -> None:
    """Measure and print a table."""
    with TemporaryDirectory() as folder:
        settings = _settings(write(_MODEL, Path(folder)), Path(folder) / "cache")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(measure(settings))
    whole = found["whole request"]
    print("| part | µs a request | of the whole |\n| --- | --: | --: |")
    for name, took_us in found.items():
        print(f"| {name} | {took_us:.2f} | {took_us / whole:.0%} |")


if __name__ == "__main__":
    main()
