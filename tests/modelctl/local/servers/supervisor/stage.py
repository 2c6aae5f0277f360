"""Replicas of a program that does as a test tells it."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelctl.local.plan.values import PodTemplate, Probe, Workload
from modelctl.local.servers import processes
from modelctl.local.servers.children import Launcher
from modelctl.local.servers.replica import Phase, Replica, Surroundings
from modelctl.local.servers.supervisor import Supervisor
from modelctl.local.state import StateFolder
from modelctl.local.timing import Timing
from waiting import until_seen

STAND_IN = Path(__file__).parents[2] / "stand_in.py"


TIMING = Timing(starting_s=0.02, restart_s=0.02, retry_s=0.05, stable_s=60)


class Stage:
    """A supervisor over a state folder, with what it reported."""

    def __init__(self, root: Path) -> None:
        self.folder = StateFolder(root)
        self.folder.create()
        self.events: list[str] = []
        self.drained: list[int] = []
        self.in_flight = asyncio.Event()
        self.in_flight.set()
        self.supervisor = self._engine()

    async def another_engine(self) -> None:
        """Let the servers run on, and have another supervisor find them."""
        await self.supervisor.leave()
        self.supervisor = self._engine()

    def _engine(self) -> Supervisor:
        return Supervisor(
            Surroundings(
                folder=self.folder,
                launcher=Launcher(self.folder, self.events.append),
                command=(sys.executable, str(STAND_IN)),
                timing=TIMING,
                drained=self._drain,
                changed=lambda: None,
                report=lambda _, level, words: self.events.append(f"{level} {words}"),
            )
        )

    async def _drain(self, port: int) -> None:
        self.drained.append(port)
        await self.in_flight.wait()

    def replicas(self, name: str = "m-r1") -> list[Replica]:
        """The replicas of a Deployment."""
        group = self.supervisor.groups.get(name)
        return list(group.replicas) if group else []

    async def until(self, *wanted: Workload, holds: Callable[[], object]) -> None:
        """Apply what is wanted again and again until something holds."""

        async def look() -> object:
            found = holds()
            if not found:
                self.supervisor.apply({w.name: w for w in wanted})
            return found

        await until_seen(look, shown=lambda _: (self.events, self.replicas()))

    async def ready(self, wanted: Workload) -> list[Replica]:
        """The replicas of a workload, once all of them are ready."""
        await self.until(
            wanted,
            holds=lambda: (
                len(self.replicas()) == wanted.replicas
                and all(r.phase is Phase.READY for r in self.replicas())
            ),
        )
        return self.replicas()


Story = Callable[[Stage], Awaitable[None]]


Play = Callable[[Story], None]


def workload(orders: dict[str, Any] | None = None, **changes: Any) -> Workload:  # noqa: ANN401
    """A Deployment of the program, with probes that are quick."""
    environment = (
        ("MODELSERVER_MODEL", "m"),
        ("MODELSERVER_RELEASE", "r1"),
        ("MODELSERVER_PORT", "8080"),
        ("STAND_IN", json.dumps(orders or {})),
        *changes.pop("more", ()),
    )
    template = PodTemplate(
        environment,
        startup=Probe("/started", 0.1, 60, 600),
        readiness=Probe("/ready", 0.05, 60, 2),
        liveness=Probe("/live", 0.05, 60, 2),
        grace_s=0.3,
    )
    known = {"files", "missing", "stored", "startup", "readiness", "liveness"}
    settings = {key: changes.pop(key) for key in list(changes) if key in known}
    return Workload(
        "m-r1", "m", "r1", changes.get("replicas", 1), replace(template, **settings), ("m-r1",)
    )


async def order(replica: Replica, path: str) -> None:
    """POST to a replica."""
    reader, writer = await asyncio.open_connection("127.0.0.1", replica.port)
    writer.write(f"POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    await reader.read(-1)
    writer.close()


def _first(stage: Stage) -> Replica:
    return stage.replicas()[0]


def _pid(stage: Stage) -> int:
    return processes.found(stage.folder.root)[0].pid
