"""What a contestant is: a server that can be started for one model and spoken to."""

import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from serving.bench.dialects import Dialect
from serving.bench.models import ModelFile
from serving.bench.processes import Command

ROOT = Path(__file__).resolve().parents[2]
"""The repository; the peers' servers are imported from here."""


@dataclass(frozen=True)
class Launch:
    """One start: what to serve, where, with which interpreter; `folder` is empty and its own."""

    file: ModelFile
    port: int
    workers: int
    python: Path
    folder: Path


@dataclass(frozen=True)
class Contestant:
    """A server, how it is started and which dialects it speaks.

    `environment` names its virtual environment, empty for the project's own. `path` is where
    predictions go, ``{model}`` stands for the model's name. `workers` says what several workers
    are; when empty it serves with one, and has no row in the table of several.
    """

    name: str
    title: str
    environment: str
    command: Callable[[Launch], Command]
    path: str
    ready_path: str
    json: Dialect
    binary: Dialect | None = None
    workers: str = ""
    batching: str = ""

    def dialects(self) -> dict[str, Dialect]:
        """The encodings that can be measured, by the name of their column."""
        return {"json": self.json} | ({"binary": self.binary} if self.binary else {})


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nothing listens on, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
