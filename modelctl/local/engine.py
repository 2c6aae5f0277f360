"""The engine: steps towards what git asks for until that is what runs.

It is one loop. Whatever has happened, a step compares what is wanted with what is there and does
the next thing; nothing else changes what Envoy routes.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from modelctl.local.envoy.dataplane import Envoy
from modelctl.local.envoy.measure import Window, parse_counters
from modelctl.local.envoy.resources import Standing
from modelctl.local.envoy.snapshot import Snapshot, Wanted, snapshot
from modelctl.local.good import GoodStates
from modelctl.local.journal import Journal
from modelctl.local.plan.rollout import Rollout, Step
from modelctl.local.room import Room
from modelctl.local.servers.supervisor import Supervisor
from modelctl.local.source.reading import Reading
from modelctl.local.targets import Targets, spelled
from modelctl.local.timing import Timing
from modelctl.repo.git import Commit

_BRING_S = 0.2  # for Envoy to take new resources; then the loop looks again at everything
_REMEMBER_S = 1.0  # for the note of what is about to be served; a disk that hangs delays no route
_LOOKED_AT_S = 5.0  # after which somebody who has looked at the status has gone


class Engine:
    """The state of the environment, and the loop that moves it."""

    def __init__(
        self,
        envoy: Envoy,
        supervisor: Supervisor,
        journal: Journal,
        timing: Timing,
        wake: asyncio.Event,
        *,
        good: GoodStates | None = None,
        room: Room | None = None,
    ) -> None:
        """`wake` is set by whoever has something for the loop to look at."""
        self._envoy = envoy
        self._supervisor = supervisor
        self._journal = journal
        self._timing = timing
        self._wake = wake
        self._made: tuple[Wanted, Snapshot] | None = None
        self._one_by_one = False
        self._looked_s = 0.0
        self._look = asyncio.Event()
        self.targets = Targets(journal)
        self.window = Window(timing.window_s)
        self.source_fault = ""
        self.good_fault = ""
        self.fault = ""
        self._good = good
        self._room = room
        self._memory = ""
        self.stepped = asyncio.Event()

    @property
    def healthy(self) -> frozenset[int]:
        """The ports that get requests."""
        return self._envoy.ports

    @property
    def rollouts(self) -> Mapping[str, Rollout]:
        """Every model on its way."""
        return self.targets.rollouts

    @property
    def converged(self) -> bool:
        """Whether there is nothing left to do about the revision that was offered last."""
        return self.targets.converged

    def offer(self, reading: Reading) -> None:
        """Take the newest revision."""
        self.targets.offer(reading)
        self._wake.set()

    def note_commits(self, commits: Mapping[str, Commit]) -> None:
        """Note the last commits of models, which the reading did not wait for."""
        self.targets.note_commits(commits)

    def note_source(self, fault: str) -> None:
        """Note why the repository cannot be read, or with "" that it can; what runs goes on."""
        if fault != self.source_fault:
            self.source_fault = fault
            if fault:
                self._journal.add("", "error", fault)
            else:
                self._journal.add("", "info", "the repository can be read again")
            self._wake.set()

    def look(self) -> None:
        """Note that somebody looks at the status: counters are read more often for a while."""
        if _now() > self._looked_s + _LOOKED_AT_S:
            self._look.set()
        self._looked_s = _now()

    async def run(self) -> None:
        """Step whenever something changed, and a little later while something is under way."""
        while True:
            try:
                wait_s = await self._step()
            except Exception as error:  # noqa: BLE001 - whatever is wrong, what runs goes on
                self._note_fault(f"internal fault: {error!r}")
                wait_s = self._timing.sample_s
            self.stepped.set()
            await _until(self._wake, wait_s)

    async def measure(self) -> None:
        """Read Envoy's counters: often while something changes or somebody looks, else seldom."""
        while True:
            await self.sample()
            is_busy = not self.converged or _now() < self._looked_s + _LOOKED_AT_S
            await _until(self._look, self._timing.sample_s if is_busy else self._timing.idle_s)

    async def sample(self) -> None:
        """Take one reading of Envoy's counters; none while it does not answer."""
        page = await self._envoy.counters()
        with suppress(ValueError, KeyError, TypeError):
            if page is not None:
                self.window.add(_now(), parse_counters(page))

    async def _step(self) -> float:
        """Do what can be done now; gives the seconds to wait before looking again."""
        self._look_for_room()
        ready = self._ready_services()
        steps = {name: self._next(rollout, ready) for name, rollout in self.rollouts.items()}
        self._supervisor.apply(self.targets.workloads, urgent=self.targets.urgent)
        if self.targets.accepted is not None:
            self._supervisor.settle()
        if self._envoy.adopted and self._is_blind():
            return self._timing.hurry_s
        changed = [name for name, step in steps.items() if step != self.rollouts[name].done]
        for name in changed[1:] if self._one_by_one else ():
            steps[name] = self.rollouts[name].done
        changed = changed[:1] if self._one_by_one else changed
        await self._remember(steps)
        try:
            standing = await self._envoy.bring(self._snapshot(steps), limit_s=_BRING_S)
        except OSError as error:
            self._note_fault(f"routes cannot be changed: {error}")
            return self._timing.sample_s
        if standing is Standing.REFUSED:
            return self._refuse(changed, steps)
        if standing is Standing.UNKNOWN:
            self._note_fault("Envoy does not answer" if self._envoy.silent else "")
            return self._timing.hurry_s
        self._note_fault("")
        for name in changed:
            self._publish(self.rollouts[name], steps[name])
        self._one_by_one = self._one_by_one and bool(changed)
        groups = self._supervisor.groups.values()
        self.targets.forget_removed({group.workload.model for group in groups})
        return 0 if self._one_by_one else self._timing.idle_s

    def note_memory(self) -> None:
        """Warn when memory begins to be short for what the servers were seen to use."""
        if self._room is not None:
            used = self._supervisor.memory_bytes()
            before, self._memory = self._memory, self._room.short_of_memory(self.rollouts, used)
            if self._memory and not before:
                self._journal.add("", "warning", self._memory)

    def _look_for_room(self) -> None:
        """Hold back, as long as that is so, what would not fit beside what runs."""
        if self._room is None:
            return
        first = self._good.models if self._good is not None else ()
        refused = self._room.refused(self.rollouts, self._supervisor.groups, first)
        for name, rollout in self.rollouts.items():
            before, rollout.no_room = rollout.no_room, refused.get(name, "")
            if rollout.no_room and not before:
                self._journal.add(name, "error", f"refused: {rollout.no_room}")

    def _is_blind(self) -> bool:
        """Whether what an adopted Envoy has is better than what is known here yet."""
        known = self.targets.accepted is not None or bool(self.rollouts)
        return not known or self._supervisor.adopting

    def _refuse(self, changed: list[str], steps: Mapping[str, Step]) -> float:
        """Find out whose change Envoy does not take, one by one; that model keeps what it has."""
        words = self._envoy.last_words()
        if len(changed) == 1:
            self.rollouts[changed[0]].refuse(steps[changed[0]].aim, words)
            self._journal.add(changed[0], "error", f"Envoy refused its routes: {words}")
            return 0
        if not changed:
            self._note_fault(f"Envoy refused its configuration: {words}")
            return self._timing.sample_s
        self._one_by_one = True
        return 0

    async def _remember(self, steps: Mapping[str, Step]) -> None:
        """Keep for the next start, before it is routed, what each model is about to serve."""
        if self._good is None or self.targets.accepted is None:
            return
        served: dict[str, str | None] = {
            name: self.targets.accepted.commit.id
            for name, model in self.targets.accepted.models.items()
            if name in steps and steps[name].aim.plan == model.plan
        }
        kept = {name for name, rollout in self.rollouts.items() if not rollout.removed}
        gone = self._good.models.keys() - kept
        served |= (
            dict.fromkeys(gone) if self.targets.seen and self.targets.seen.refusal is None else {}
        )
        if any(self._good.of(name) != commit for name, commit in served.items()) or self.good_fault:
            with suppress(TimeoutError):
                async with asyncio.timeout(_REMEMBER_S):
                    self.good_fault = await asyncio.to_thread(self._good.remember, served)

    def _publish(self, rollout: Rollout, step: Step) -> None:
        """Note what Envoy routes now."""
        before = rollout.done.aim.weights
        rollout.publish(step, _now())
        if step.aim.weights != before:
            words = f"weights now {spelled(step.aim.plan)}"
            self._journal.add(rollout.model, "info", words)

    def _ready_services(self) -> frozenset[str]:
        endpoints = self._supervisor.endpoints()
        return frozenset(e.service for e in endpoints if any(host.ready for host in e.hosts))

    def _snapshot(self, steps: Mapping[str, Step]) -> Snapshot:
        """Envoy's resources, made anew only if something that they are made of has changed."""
        published = {name: s.published for name, s in steps.items() if s.published is not None}
        wanted = Wanted(
            self._envoy.port,
            published if self.targets.accepted is not None or self.rollouts else None,
            tuple(sorted(self._supervisor.endpoints(), key=lambda each: each.service)),
            self.targets.gateway,
        )
        if self._made is None or self._made[0] != wanted:
            self._made = wanted, snapshot(self._envoy.folder, wanted)
        return self._made[1]

    def _next(self, rollout: Rollout, ready: frozenset[str]) -> Step:
        """Where a model is to be brought now; what holds it back is told once."""
        before = rollout.waiting
        step = rollout.next(ready)
        is_told = rollout.waiting == before or bool(rollout.no_room)
        if rollout.waiting and not is_told and rollout.target:
            names = ", ".join(map(rollout.target.release_of, rollout.waiting))
            words = "are refused as long as no replica is ready" if rollout.live else "wait for"
            self._journal.add(rollout.model, "info", f"new routes {words}: {names}")
        return step

    def _note_fault(self, fault: str) -> None:
        if fault and fault != self.fault:
            self._journal.add("", "error", fault)
        self.fault = fault


async def _until(event: asyncio.Event, limit_s: float) -> None:
    """Wait for an event, for a bounded time, and take it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await event.wait()
    event.clear()


def _now() -> float:
    return asyncio.get_running_loop().time()
