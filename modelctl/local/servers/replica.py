"""One replica of a Deployment: a model server that is started, probed, restarted and drained."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from modelctl.local.plan.endpoints import Host
from modelctl.local.plan.values import PodTemplate, Workload
from modelctl.local.servers import asking
from modelctl.local.servers.children import Child, Launcher
from modelctl.local.servers.failures import Failures
from modelctl.local.servers.places import MIRROR_PORT, PORT, environment
from modelctl.local.servers.ports import free_port
from modelctl.local.servers.probes import Watch
from modelctl.local.servers.starts import Starts, Turn
from modelctl.local.state import StateFolder
from modelctl.local.timing import Timing
from modelctl.repo import layout

_PORT_TAKEN = 71  # the model server's exit code where it cannot listen
_PORTS_TRIED = 5  # in a row, after which it is a failure like others
_PATIENCE = 3  # failures in a row after which even an urgent server starts after all others


class Phase(StrEnum):
    """Where a replica is in its life."""

    STARTING = "Starting"
    READY = "Ready"
    UNREADY = "Unready"
    WAITING = "CrashLoopBackOff"
    MISSING = "MissingFile"
    DRAINING = "Draining"
    STOPPING = "Stopping"
    GONE = "Gone"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every replica needs of the engine.

    `drained` returns once Envoy sends a port nothing new; `changed` is called after every change of
    phase, `report` with the model, the level and the words of an event worth telling.
    """

    folder: StateFolder
    launcher: Launcher
    command: Sequence[str]
    timing: Timing
    drained: Callable[[int], Awaitable[None]]
    changed: Callable[[], None]
    report: Callable[[str, str, str], None]
    ask: asking.Ask = asking.ask
    starts: Starts = field(default_factory=Starts)


class Replica:
    """A server process, and another one whenever it ends, until `end` is called.

    It may begin with a process of an earlier engine. `urgent` ones start before others.
    """

    def __init__(
        self,
        name: str,
        workload: Workload,
        surroundings: Surroundings,
        *,
        template: PodTemplate | None = None,
        child: Child | None = None,
    ) -> None:
        self.name = name
        self.template = template or workload.template
        self.phase = Phase.STARTING
        self.reason = ""
        self.restarts = 0
        self.urgent = False
        self.child = child
        self.port = 0
        self.mirror_port = 0
        self._model = workload.model
        self._failures = Failures(surroundings.timing)
        self._ports_taken = 0
        self._around = surroundings
        self._leaving = False
        self._turn: Turn | None = None
        self._take_places(child)
        probe = self.template.startup or self.template.readiness
        self._heard_by = _now() + (probe.timeout_s if probe else 0)
        self._told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.get_running_loop().create_task(self._run(), name=name)
        self._task.add_done_callback(self._over)

    @property
    def ending(self) -> bool:
        """Whether the replica has been told to end."""
        return self._told.done()

    @property
    def failing(self) -> bool:
        """Whether something is wrong, rather than merely not ready yet."""
        if self.phase in {Phase.WAITING, Phase.MISSING}:
            return True
        was_better = self._failures.count > 0 or self._failures.ready_since_s is not None
        return was_better and self.phase in {Phase.STARTING, Phase.UNREADY}

    @property
    def unknown(self) -> bool:
        """Whether a server was taken over just now and nobody has heard of it yet."""
        is_new = self.child is not None and self.child.adopted and self.phase is Phase.STARTING
        return is_new and _now() < self._heard_by

    @property
    def host(self) -> Host | None:
        """The endpoint for Envoy: as a pod has one until it is told to end, ready or not."""
        if self.ending or self.phase is Phase.GONE:
            return None
        return Host(self.port, self.mirror_port, ready=self.phase is Phase.READY)

    def end(self) -> None:
        """Drain, then stop; `finished` tells when."""
        if not self.ending:
            self._told.set_result(None)

    async def finished(self) -> None:
        """Wait until nothing of the replica runs any more."""
        await asyncio.wait({self._task})

    async def leave(self) -> None:
        """Look after the server no more, and let it run."""
        self._leaving = True
        self._task.cancel()
        await self.finished()

    async def _run(self) -> None:
        # A server that was taken over is ended in order, also where that was told at once.
        while not self.ending or self.child is not None:
            if self.child is not None or await self._start():
                await self._run_once()
            if not self.ending and self.phase is Phase.WAITING:
                await self._back_off()
        self._around.report(self._model, "info", f"{self.name} has stopped")
        self._enter(Phase.GONE)

    async def _start(self) -> bool:
        """Start the server when it is its turn; gives whether it runs."""
        if self.template.missing:
            self._enter(Phase.MISSING, f"not in the commit: {', '.join(self.template.missing)}")
            await self._unless_told()
            return False
        if lacking := self._lacking():
            self._enter(Phase.MISSING, lacking)
            await asyncio.wait({self._told}, timeout=self._around.timing.retry_s)
            return False
        self._enter(Phase.STARTING, self.reason)
        self._turn = self._around.starts.ask(self._rank)
        try:
            await self._unless_told(self._turn.granted)
            if not self.ending:
                await self._launch()
        except OSError as error:
            self._fail(f"could not be started: {error}")
        finally:
            if self.child is None:
                self._turn.over()
        return self.child is not None

    def _lacking(self) -> str:
        """What the laptop's store does not have yet, and what brings it; empty for nothing."""
        gone = [(uri, file) for uri, file in self.template.stored if not Path(file).is_file()]
        return "; ".join(
            f"found no {file}, which {uri} stands for here: {self._remedy(file)}"
            for uri, file in gone
        )

    def _remedy(self, file: str) -> str:
        if ".modelctl" in Path(file).parts[-3:]:
            return f"`modelctl pull {self._model}` brings it from an environment that has a store"
        return (  # a repository that is followed by URL has no work tree to pull into
            f"give {layout.ENVIRONMENTS} a `store` for this environment, or run `modelctl up` in a "
            "clone"
        )

    def _rank(self) -> tuple[bool, bool, bool]:
        """Who goes first: those with traffic, then those that have not failed."""
        return self._failures.count >= _PATIENCE, not self.urgent, self._failures.count > 0

    async def _launch(self) -> None:
        if self.restarts or self._ports_taken:
            self._take_places(None)
        around = self._around
        variables = environment(self.template, around.folder, self.port, self.mirror_port)
        self.child = await around.launcher.start(self.name, around.command, variables)

    async def _run_once(self) -> None:
        """Stay with the server that runs until it has ended."""
        child = self.child
        assert child is not None  # noqa: S101 - for the type checker
        try:
            if child.adopted:
                words = f"{self.name} runs on (process {child.pid}), started by an earlier run"
                self._around.report(self._model, "info", words)
            await self._accompany(child)
        finally:
            self._started()
            await self._let_go()

    def _started(self) -> None:
        if self._turn is not None:
            self._turn.over()

    async def _let_go(self) -> None:
        """Leave nothing of the server behind, whatever went wrong; or all, if it is to run on."""
        child, self.child = self.child, None
        if child is not None:
            if not self._leaving:
                child.kill()
                await child.wait()
            self._around.launcher.forget(child)

    async def _accompany(self, child: Child) -> None:
        """Stay until the server has ended: by itself, for a failed probe, or because it must."""
        watch = Watch(
            self.port,
            self.template,
            self._around.ask,
            poll_s=self._around.timing.starting_s,
            started=self._started,
            readiness=self._readiness,
        )
        try:
            await self._unless_told(child.exited, watch.failed)
            if child.exited.done():
                self._died(child)
            elif watch.failed.done():
                self._fail(watch.failed.result())  # it gets nothing new meanwhile
                await child.end(self.template.grace_s)
            else:
                watch.stop()
                await self._stop(child)
        finally:
            watch.stop()

    async def _unless_told(self, *these: asyncio.Future[Any]) -> None:
        """Wait for any of these, or to be told to end."""
        futures: set[asyncio.Future[Any]] = {*these, self._told}
        await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)

    def _died(self, child: Child) -> None:
        """Note how the server ended by itself."""
        if child.exited.result() == _PORT_TAKEN and self._ports_taken < _PORTS_TRIED:
            self._ports_taken += 1
            words = f"{self.name} found port {self.port} taken and starts with another one"
            self._around.report(self._model, "warning", words)
        else:
            self._fail(child.obituary())

    async def _stop(self, child: Child) -> None:
        """End the server because it was told to: first Envoy drops it, then it finishes."""
        if self.phase in {Phase.READY, Phase.UNREADY} or child.adopted:
            self._enter(Phase.DRAINING)
            drained = asyncio.ensure_future(self._around.drained(self.port))
            try:
                either: set[asyncio.Future[Any]] = {drained, child.exited}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if drained.done():
                    drained.result()
            finally:
                drained.cancel()
        self._enter(Phase.STOPPING)
        await child.end(self.template.grace_s)

    def _readiness(self, fault: str | None) -> None:
        if fault is not None:
            if self.phase is Phase.READY:
                self._around.report(self._model, "warning", f"{self.name} {fault}")
            self._enter(Phase.UNREADY, fault)
            return
        if self._failures.ready(_now()):
            self._ports_taken = 0
            self._around.report(self._model, "info", f"{self.name} is ready")
        self._enter(Phase.READY)

    async def _back_off(self) -> None:
        """Wait before the next start: longer after each failure in a row."""
        self.restarts += 1
        await asyncio.wait({self._told}, timeout=self._failures.begin_again())

    def _over(self, task: asyncio.Task[None]) -> None:
        """If the code that tends the replica failed, let the supervisor replace the replica."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._around.report(self._model, "error", f"{self.name} internal fault: {error!r}")
            self._enter(Phase.GONE)

    def _fail(self, reason: str) -> None:
        self._failures.note(_now())
        self._around.report(self._model, "error", f"{self.name} {reason}")
        self._enter(Phase.WAITING, reason)

    def _enter(self, phase: Phase, reason: str = "") -> None:
        if (phase, reason) != (self.phase, self.reason):
            self.phase, self.reason = phase, reason
            self._around.changed()

    def _take_places(self, child: Child | None) -> None:
        """The ports of the process that runs, or new ones."""
        if child is not None:
            self.port = int(child.environment[PORT])
            self.mirror_port = int(child.environment.get(MIRROR_PORT, 0))
            return
        self.port = free_port(other_than=self.port)
        mirrored = self.template.variable(MIRROR_PORT)
        self.mirror_port = free_port(other_than=self.port) if mirrored else 0


def _now() -> float:
    return asyncio.get_running_loop().time()
