"""A container's HTTP probes, with the meaning that the kubelet gives them.

Before the startup probe has passed nothing else is asked; then readiness and liveness are asked at
their own periods, each for itself. An outcome counts once it came as often in a row as the probe
says. Only the waiting for good news is shorter here: until it came first, a probe is asked again
soon. Everything is calls of the event loop: a server that nothing happens to costs no task.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from modelctl.local.plan.values import PodTemplate, Probe
from modelctl.local.servers.asking import Ask

# Periods, which are whole seconds, are kept to a common clock: servers that are asked at the same
# moment wake the engine once. That saves a third of what idle servers cost.
_TICK_S = 0.5
_LEAST_PERIOD_S = 1.0


@dataclass(slots=True)
class Tally:
    """Outcomes in a row of one probe."""

    probe: Probe
    _passed: bool = False
    _count: int = 0

    def note(self, *, passed: bool) -> bool:
        """Count an outcome; gives whether it came often enough in a row to hold."""
        self._count = self._count + 1 if passed == self._passed else 1
        self._passed = passed
        return self._count >= (self.probe.successes if passed else self.probe.failures)


class _Poll:
    """One probe, asked again and again: `note` gives the seconds from one question to the next."""

    def __init__(self, ask: Ask, port: int, probe: Probe, note: Callable[[str | None], float]):
        self._ask, self._port, self._probe, self._note = ask, port, probe, note
        self._loop = asyncio.get_running_loop()
        self._asked_at = 0.0
        self._stopped = False
        self._withdraw: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, after_s: float = 0.0) -> None:
        """Ask first in so many seconds."""
        self._timer = self._loop.call_later(after_s, self._question)

    def stop(self) -> None:
        """Ask no more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self._withdraw is not None:
            self._withdraw()

    def _question(self) -> None:
        self._asked_at = self._loop.time()
        probe = self._probe
        self._withdraw = self._ask(self._port, probe.path, probe.timeout_s, self._answer)

    def _answer(self, fault: str | None) -> None:
        self._withdraw = None
        wait_s = self._note(f"GET {self._probe.path}: {fault}" if fault else None)
        if not self._stopped:
            # From question to question, as a clock ticks; never two at a time.
            due_s = self._asked_at + wait_s
            if wait_s >= _LEAST_PERIOD_S:
                due_s = math.ceil(due_s / _TICK_S) * _TICK_S
            self._timer = self._loop.call_at(due_s, self._question)


class Watch:
    """The probes of one running server.

    `started` is called once the startup probe has passed, `readiness` with None whenever the server
    becomes ready and with why not when it ceases to be. `failed` has a reason once the server has
    to be ended.
    """

    def __init__(
        self,
        port: int,
        template: PodTemplate,
        ask: Ask,
        *,
        poll_s: float,
        started: Callable[[], None],
        readiness: Callable[[str | None], None],
    ) -> None:
        self._port, self._template, self._ask, self._poll_s = port, template, ask, poll_s
        self._on_started, self._on_readiness = started, readiness
        loop = asyncio.get_running_loop()
        self.failed: asyncio.Future[str] = loop.create_future()
        self._began = loop.time()
        self._ready: bool | None = None  # None until it was ready once
        self._polls: list[_Poll] = []
        if template.startup is None:
            self._begin()
        else:
            self._poll(template.startup, self._note_startup)

    def stop(self) -> None:
        """Ask no more."""
        for poll in self._polls:
            poll.stop()
        self.failed.cancel()

    def _poll(
        self, probe: Probe, note: Callable[[str | None], float], after_s: float = 0.0
    ) -> None:
        poll = _Poll(self._ask, self._port, probe, note)
        self._polls.append(poll)
        poll.begin(after_s)

    def _begin(self) -> None:
        """The server has started: ask what it may be asked from now on."""
        for poll in self._polls:
            poll.stop()
        self._polls.clear()
        self._on_started()
        readiness, liveness = self._template.readiness, self._template.liveness
        if readiness is None:
            self._on_readiness(None)
        else:
            self._readiness = Tally(readiness)
            self._poll(readiness, self._note_readiness)
        if liveness is not None:
            self._liveness = Tally(liveness)
            self._poll(liveness, self._note_liveness, liveness.period_s)

    def _note_startup(self, fault: str | None) -> float:
        probe = self._template.startup
        limit_s = probe.period_s * probe.failures if probe else 0
        if fault is None:
            self._begin()
        elif asyncio.get_running_loop().time() - self._began > limit_s:
            self._fail(f"not started within {limit_s:g} s: {fault}")
        return self._poll_s

    def _note_readiness(self, fault: str | None) -> float:
        if self._readiness.note(passed=fault is None):
            if fault is None and not self._ready:
                self._ready = True
                self._on_readiness(None)
            elif fault is not None and self._ready is not False:
                self._ready = False if self._ready else None
                self._on_readiness(f"not ready: {fault}")
        return self._poll_s if self._ready is None else self._readiness.probe.period_s

    def _note_liveness(self, fault: str | None) -> float:
        if self._liveness.note(passed=fault is None) and fault is not None:
            self._fail(f"not alive: {fault}")
        return self._liveness.probe.period_s

    def _fail(self, reason: str) -> None:
        if not self.failed.done():
            self.failed.set_result(reason)
        for poll in self._polls:
            poll.stop()
