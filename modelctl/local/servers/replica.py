"""One replica of a Deployment: a model server that is started, probed, restarted and drained."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from modelctl.local.plan.endpoints import Host
from modelctl.local.plan.values import Workload
from modelctl.local.servers import probes
from modelctl.local.servers.children import Child, Launcher, ending
from modelctl.local.state import StateFolder
from modelctl.local.timing import Timing

# Seconds, as text. In a cluster a server waits after SIGTERM until proxies have dropped it; here
# Envoy has dropped it before.
_DRAIN_DELAY_S = "0.2"


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

    `drained` returns once Envoy sends a port nothing any more and has nothing in flight to it;
    `changed` is called after every change of phase, `report` with the model, the level and the
    words of an event worth telling.
    """

    folder: StateFolder
    launcher: Launcher
    command: Sequence[str]
    timing: Timing
    drained: Callable[[int], Awaitable[None]]
    changed: Callable[[], None]
    report: Callable[[str, str, str], None]


class Replica:
    """A server process, and another one whenever it ends, until `end` is called."""

    def __init__(self, name: str, workload: Workload, surroundings: Surroundings) -> None:
        self.name = name
        self.template = workload.template
        self._model = workload.model
        self.phase = Phase.STARTING
        self.reason = ""
        self.restarts = 0
        self.port = 0
        self.child: Child | None = None
        self._failures = 0
        self._ready_since: float | None = None
        self._around = surroundings
        self._ending = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._run(), name=name)
        self._task.add_done_callback(self._over)

    @property
    def ending(self) -> bool:
        """Whether the replica has been told to end."""
        return self._ending.is_set()

    @property
    def failing(self) -> bool:
        """Whether something is wrong, rather than merely not ready yet."""
        if self.phase in {Phase.WAITING, Phase.MISSING}:
            return True
        was_better = self._failures > 0 or self._ready_since is not None
        return was_better and self.phase in {Phase.STARTING, Phase.UNREADY}

    @property
    def host(self) -> Host | None:
        """The endpoint for Envoy, if it should know this replica at all."""
        if self.phase in {Phase.READY, Phase.UNREADY, Phase.DRAINING}:
            return Host(self.port, mirror_port=0, ready=self.phase is Phase.READY)
        return None

    def end(self) -> None:
        """Drain, then stop; `finished` tells when."""
        self._ending.set()

    async def finished(self) -> None:
        """Wait until nothing of the replica runs any more."""
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        if self.template.missing:
            self._enter(Phase.MISSING, f"not in the commit: {', '.join(self.template.missing)}")
            await self._ending.wait()
        while not self.ending:
            await self._run_once()
            if not self.ending:
                await self._back_off()
        self._around.report(self._model, "info", f"{self.name} has stopped")
        self._enter(Phase.GONE)

    async def _run_once(self) -> None:
        """Start the server and stay with it until it ends, or is told to."""
        try:
            self.port = _free_port()
            child = await self._around.launcher.start(
                self.name, self._around.command, self._environment()
            )
        except OSError as error:
            self._fail(f"could not be started: {error}")
            return
        self.child = child
        try:
            await self._accompany(child)
        finally:
            self.child = None
            child.kill()  # nothing that is left of it may stay, whatever went wrong here
            await child.wait()
            self._around.launcher.forget(child)

    async def _accompany(self, child: Child) -> None:
        """Stay until the server has ended: by itself, for a failed probe, or because it must."""
        self._enter(Phase.STARTING, self.reason)
        code = asyncio.ensure_future(child.wait())
        fault = asyncio.ensure_future(self._watch())
        told = asyncio.ensure_future(self._ending.wait())
        try:
            await asyncio.wait({code, fault, told}, return_when=asyncio.FIRST_COMPLETED)
            if code.done():
                words = child.last_words()
                self._fail(f"{ending(code.result())}{': ' if words else ''}{words}")
            else:
                why = fault.result() if fault.done() else None
                fault.cancel()
                await self._stop(child, why)
        finally:
            fault.cancel()
            told.cancel()

    async def _stop(self, child: Child, fault: str | None) -> None:
        """End the running server, because of a failed probe or because it was told to end."""
        if fault is not None:
            self._fail(fault)
        elif self.phase is Phase.READY:
            self._enter(Phase.DRAINING)
            await self._around.drained(self.port)
        if self.ending:
            self._enter(Phase.STOPPING)
        await child.end(self.template.grace_s)

    async def _watch(self) -> str:
        """Follow the probes; gives why the server has to be ended."""
        template, poll_s = self.template, self._around.timing.starting_s
        fault = await probes.until_started(self.port, template.startup, poll_s=poll_s)
        if fault is not None:
            return fault
        readiness = asyncio.ensure_future(
            probes.follow_readiness(self.port, template.readiness, self._readiness, poll_s=poll_s)
        )
        try:
            return await probes.until_dead(self.port, template.liveness)
        finally:
            readiness.cancel()

    def _readiness(self, fault: str | None) -> None:
        if fault is not None:
            if self.phase is Phase.READY:
                self._around.report(self._model, "warning", f"{self.name} {fault}")
            self._enter(Phase.UNREADY, fault)
            return
        if self._ready_since is None:
            self._ready_since = _now()
            self._around.report(self._model, "info", f"{self.name} is ready")
        elif _now() - self._ready_since > self._around.timing.stable_s:
            self._failures = 0
        self._enter(Phase.READY)

    async def _back_off(self) -> None:
        """Wait before the next start: longer after each failure in a row."""
        timing = self._around.timing
        first_s = timing.retry_s if self._ready_since is None else timing.restart_s
        wait_s = min(first_s * 2 ** (self._failures - 1), timing.backoff_limit_s)
        self._ready_since = None
        self.restarts += 1
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._ending.wait()

    def _over(self, task: asyncio.Task[None]) -> None:
        """If the code that tends the replica failed, let the supervisor replace the replica."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._around.report(self._model, "error", f"{self.name} internal fault: {error!r}")
            self._enter(Phase.GONE)

    def _fail(self, reason: str) -> None:
        if self._ready_since and _now() - self._ready_since > self._around.timing.stable_s:
            self._failures = 0
        self._failures = min(self._failures + 1, 32)
        self._around.report(self._model, "error", f"{self.name} {reason}")
        self._enter(Phase.WAITING, reason)

    def _enter(self, phase: Phase, reason: str = "") -> None:
        if (phase, reason) != (self.phase, self.reason):
            self.phase, self.reason = phase, reason
            self._around.changed()

    def _environment(self) -> dict[str, str]:
        """The pod's environment on top of this process's, with the places of this machine."""
        own = {key: value for key, value in os.environ.items() if "MODELSERVER_" not in key}
        return {
            **own,
            **dict(self.template.environment),
            "MODELSERVER_HOST": "127.0.0.1",
            "MODELSERVER_PORT": str(self.port),
            "MODELSERVER_CACHE_DIR": str(self._around.folder.cache),
            "MODELSERVER_ARTIFACT_ROOT": self.template.files or str(self._around.folder.files),
            "MODELSERVER_DRAIN_DELAY_S": _DRAIN_DELAY_S,
        }


def _free_port() -> int:
    """A port that nothing listens on now; a server that loses the race for it starts again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _now() -> float:
    return asyncio.get_running_loop().time()
