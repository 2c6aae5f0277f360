"""``python -m serving.bench.experiments.grpc_calls``: what a call of gRPC costs, ways side by side.

The same model, the same message, the same client (grpc.aio, which runs on the other core), one call
and 32 calls at once: our server behind Envoy's bridge, and a server on grpc.aio. Then our server
asked by wrk, which is quicker than that client: framed messages with and without Envoy, and REST's
binary tensors. CPU is that of each process, in microseconds a call.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc

from modelserver.codec.protobuf import messages
from modelserver.grpc import frames
from serving.bench import bridge, contestants, layouts, markdown, wrk
from serving.bench.contestant import Launch, free_ports
from serving.bench.dialects import Body
from serving.bench.experiments.setting import pinned
from serving.bench.layouts import Layout
from serving.bench.models import INPUT, MODELS, BenchModel, ModelFile, write
from serving.bench.processes import Command, Tree
from serving.bench.serve import Served, serving
from serving.bench.servers.grpc_aio import METHOD, SERVICE
from serving.bench.wrk import Target

CONCURRENCIES = (1, 32)
WARM_UP_S = 0.5
START_LIMIT_S = 30
PATH = f"/{SERVICE}/{METHOD}"
US_PER_S = 1e6

Load = Callable[[int, float], int]
"""Sends so many calls at once for so many seconds; the calls that were answered."""


@dataclass(frozen=True)
class Way:
    """A way to ask: what it is called, what sends load, and whose CPU counts by name."""

    name: str
    load: Load
    trees: dict[str, Tree]


def measure(file: ModelFile, layout: Layout, seconds: float) -> list[list[str]]:
    """A row for each way and concurrency."""
    rows = []
    with ExitStack() as stack:
        for way in _ways(stack, file, layout):
            for concurrency in CONCURRENCIES:
                print(f"bench: {way.name}, {concurrency} at once", file=sys.stderr)
                rows.append(_row(way, concurrency, seconds))
    return rows


def _row(way: Way, concurrency: int, seconds: float) -> list[str]:
    way.load(concurrency, WARM_UP_S)
    before = {name: tree.own_cpu_s() for name, tree in way.trees.items()}
    answered = way.load(concurrency, seconds)
    spent = {
        name: (tree.own_cpu_s() - before[name]) / answered * US_PER_S
        for name, tree in way.trees.items()
    }
    return [
        f"{way.name}, {concurrency} at once",
        markdown.number(answered / seconds),
        markdown.number(spent["server"]),
        markdown.number(spent.get("envoy")),
        markdown.number(US_PER_S / max(spent.values())),
    ]


def _ways(stack: ExitStack, file: ModelFile, layout: Layout) -> Iterator[Way]:
    message = _message(file.model)
    ours = stack.enter_context(serving(contestants.OURS, file, layout, Path(sys.executable)))
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-grpc-")))
    envoy, port = stack.enter_context(_envoy(folder, ours, layout))
    both = {"server": ours.tree, "envoy": envoy}
    yield Way("modelserver behind Envoy, gRPC", _calls(port, file, message, layout), both)
    other, other_port = stack.enter_context(_grpc_aio(folder, file, layout))
    calls = _calls(other_port, file, message, layout)
    yield Way("grpc.aio, gRPC", calls, {"server": other})
    headers = {"Content-Type": "application/grpc", "X-Model-Name": file.model.name}
    framed = Body(frames.head(len(message)) + message, headers)
    bridged = _requests(Target(port, PATH, framed), layout)
    yield Way("modelserver behind Envoy, framed over HTTP/1.1", bridged, both)
    direct = _requests(Target(ours.port, PATH, framed), layout)
    asking = {"server": ours.tree}
    yield Way("modelserver alone, framed over HTTP/1.1", direct, asking)
    rest = ours.target(file.model.sample(1), "binary")
    yield Way("modelserver alone, REST with binary tensors", _requests(rest, layout), asking)


def _message(model: BenchModel) -> bytes:
    row = model.sample(1)
    request = messages.ModelInferRequest(model_name=model.name)
    request.inputs.add(name=INPUT, datatype="FP32", shape=row.shape)
    request.raw_input_contents.append(row.tobytes())
    content: bytes = request.SerializeToString()
    return content


def _requests(target: Target, layout: Layout) -> Load:
    def load(concurrency: int, seconds: float) -> int:
        found = wrk.run(target, concurrency=concurrency, seconds=seconds, cores=layout.client_cores)
        return found.requests

    return load


def _calls(port: int, file: ModelFile, message: bytes, layout: Layout) -> Load:
    metadata = (("x-model-name", file.model.name),)

    async def run(concurrency: int, seconds: float) -> int:
        answered = 0
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = channel.unary_unary(PATH)
            await call(message, metadata=metadata, wait_for_ready=True, timeout=START_LIMIT_S)
            until = time.perf_counter() + seconds

            async def ask() -> None:
                nonlocal answered
                while time.perf_counter() < until:
                    await call(message, metadata=metadata)
                    answered += 1

            await asyncio.gather(*(ask() for _ in range(concurrency)))
        return answered

    def load(concurrency: int, seconds: float) -> int:
        with pinned(layout.client_cores):
            return asyncio.run(run(concurrency, seconds))

    return load


@contextmanager
def _envoy(folder: Path, ours: Served, layout: Layout) -> Iterator[tuple[Tree, int]]:
    (port,) = free_ports(1)
    published = {ours.file.model.name: (bridge.rule(ours.file.model.name),)}
    start = bridge.command(folder, port=port, server_port=ours.port, published=published)
    with Tree(Command(start, {}), cores=layout.client_cores, folder=folder) as tree:
        yield tree, port


@contextmanager
def _grpc_aio(folder: Path, file: ModelFile, layout: Layout) -> Iterator[tuple[Tree, int]]:
    (port,) = free_ports(1)
    launch = Launch(file, port, 1, Path(sys.executable), folder)
    start = (sys.executable, "-m", "serving.bench.servers.grpc_aio")
    command = Command(start, contestants.told(launch))
    with Tree(command, cores=layout.server_cores, folder=folder) as tree:
        yield tree, port


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser("python -m serving.bench.experiments.grpc_calls")
    parser.add_argument("--seconds", type=float, default=3, help="of each load")
    asked = parser.parse_args()
    layout = layouts.layouts(layouts.usable_cores())["one-core"]
    with TemporaryDirectory() as folder:
        rows = measure(write(MODELS[0], Path(folder)), layout, asked.seconds)
    header = ["way", "calls/s", "server µs", "Envoy µs", "bound of a core, calls/s"]
    print("\n".join(markdown.table(header, rows)))


if __name__ == "__main__":
    main()
