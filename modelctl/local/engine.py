"""The engine: takes revisions, and steps towards them until what runs is what git says.

It is one loop. Whatever has happened, a step compares what is wanted with what is there and does
the next thing; nothing else changes what Envoy routes.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import count

from modelctl.gateway import merging
from modelctl.gateway.fields import ObjectError
from modelctl.gateway.values import Gateway, TrafficPolicy
from modelctl.local.envoy.dataplane import Envoy
from modelctl.local.envoy.measure import Window, parse_counters
from modelctl.local.envoy.resources import Standing
from modelctl.local.envoy.snapshot import Snapshot, Wanted, snapshot
from modelctl.local.good import GoodStates
from modelctl.local.journal import Journal
from modelctl.local.plan.rollout import Aim, Rollout, Step
from modelctl.local.plan.values import ModelPlan, Workload
from modelctl.local.servers.supervisor import Supervisor
from modelctl.local.source.reading import ModelReading, Reading
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
    ) -> None:
        """`wake` is set by whoever has something for the loop to look at."""
        self._envoy = envoy
        self._supervisor = supervisor
        self._journal = journal
        self._timing = timing
        self._wake = wake
        # Numbers of splits rise from run to run, because Envoy may outlive this engine.
        self._splits = count(int(time.time()))
        self._made: tuple[Wanted, Snapshot] | None = None
        self._gateway: Gateway | None = None
        self._one_by_one = False
        self._looked_s = 0.0
        self._look = asyncio.Event()
        self.rollouts: dict[str, Rollout] = {}
        self.window = Window(timing.window_s)
        self.seen: Reading | None = None
        self.accepted: Reading | None = None
        self.complete: Reading | None = None  # the last accepted one that refused no model
        self.source_fault = ""
        self.good_fault = ""
        self.fault = ""
        self._good = good
        self.stepped = asyncio.Event()

    @property
    def healthy(self) -> frozenset[int]:
        """The ports that get requests."""
        return self._envoy.ports

    @property
    def converged(self) -> bool:
        """Whether there is nothing left to do about the revision that was offered last."""
        if self.seen is None or self.seen.refusal is not None:
            return True
        return not any(rollout.pending for rollout in self.rollouts.values())

    def offer(self, reading: Reading) -> None:
        """Take the newest revision: aim at what it may change, keep what runs of refused models."""
        self.seen = reading
        commit = reading.commit
        label = f'{commit.id[:12]} "{commit.subject}" by {commit.author}'
        self._fall_back(reading)
        if reading.rewritten:
            self._journal.add("", "warning", "the branch was rewritten: history was replaced")
        if reading.refusal is not None:
            self._journal.add("", "error", f"refused {label}: {reading.refusal}")
        else:
            for model, reason in reading.refused.items():
                self._journal.add(model, "error", f"refused {label}: {reason}")
            for model, former in reading.returned.items():
                words = f"is back at what was applied at {former.id[:12]}: nothing holds that back"
                self._journal.add(model, "info", words)
            but = f", but not for {', '.join(reading.refused)}" if reading.refused else ""
            self._journal.add("", "info", f"accepted {label}{but}")
            self.accepted = reading
            self.complete = self.complete if reading.refused else reading
            if reading.platform is not None:
                self._gateway = merging.gateway(reading.platform)
            else:
                self._gateway = None
            self._aim(reading)
        self._wake.set()

    def _fall_back(self, reading: Reading) -> None:
        """At a start, take what ran before as what is live: it serves until the target can."""
        for name, words in reading.lost.items():
            self._journal.add(name, "warning", f"{words}; the newest revision alone counts")
        for name, model in reading.fallbacks.items():
            if name not in self.rollouts:
                rollout = self.rollouts.setdefault(name, Rollout(name))
                if name in reading.models and not reading.models[name].paused:
                    rollout.fallback = self._new(model, reading)
                else:
                    rollout.aim(self._new(model, reading))
                self._journal.add(name, "info", "begins with the last good state")

    def note_commits(self, commits: Mapping[str, Commit]) -> None:
        """Note the last commits of models, which the reading did not wait for."""
        for name in commits.keys() & self.rollouts.keys():
            self.rollouts[name].note_commit(commits[name])

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

    def _aim(self, reading: Reading) -> None:
        """Set every model's target; a paused or refused model keeps the one it has."""
        for name in reading.refused:
            self.rollouts.setdefault(name, Rollout(name))
        for name, model in reading.models.items():
            rollout = self.rollouts.setdefault(name, Rollout(name))
            rollout.paused = model.paused
            rollout.held = None
            if not model.paused:
                self._take(rollout, model, reading)
            elif model.plan != rollout.target:
                rollout.held = model.plan
        for name in self.rollouts.keys() - reading.models.keys() - reading.refused.keys():
            rollout = self.rollouts[name]
            rollout.paused, rollout.held = False, None
            rollout.aim(Aim())

    def _take(self, rollout: Rollout, model: ModelReading, reading: Reading) -> None:
        try:
            rollout.aim(self._new(model, reading))
        except ObjectError as error:  # its policy does not go with the Gateway's
            self._journal.add(rollout.model, "error", f"refused: {error}")

    def _new(self, model: ModelReading, reading: Reading) -> Aim:
        """An aim at a model as it was read, with the policies of the platform as it was read."""
        merged: Mapping[str, TrafficPolicy] = {}
        if reading.platform is not None:
            merged = merging.policies(model.plan.gateway, reading.platform)
        policies = tuple(merged.items())
        return Aim(model.plan, model.commit, policies, next(self._splits))

    async def _step(self) -> float:
        """Do what can be done now; gives the seconds to wait before looking again."""
        ready = self._ready_services()
        steps = {name: self._next(rollout, ready) for name, rollout in self.rollouts.items()}
        self._supervisor.apply(self._workloads(), urgent=self._urgent())
        if self.accepted is not None:
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
        self._forget_removed()
        return 0 if self._one_by_one else self._timing.idle_s

    def _is_blind(self) -> bool:
        """Whether what an adopted Envoy has is better than what is known here yet."""
        known = self.accepted is not None or bool(self.rollouts)
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
        if self._good is None or self.accepted is None:
            return
        served: dict[str, str | None] = {
            name: self.accepted.commit.id
            for name, model in self.accepted.models.items()
            if name in steps and steps[name].aim.plan == model.plan
        }
        kept = {name for name, rollout in self.rollouts.items() if not rollout.removed}
        gone = self._good.models.keys() - kept
        served |= dict.fromkeys(gone) if self.seen and self.seen.refusal is None else {}
        if any(self._good.of(name) != commit for name, commit in served.items()) or self.good_fault:
            with suppress(TimeoutError):
                async with asyncio.timeout(_REMEMBER_S):
                    self.good_fault = await asyncio.to_thread(self._good.remember, served)

    def _publish(self, rollout: Rollout, step: Step) -> None:
        """Note what Envoy routes now."""
        before = rollout.done.aim.weights
        rollout.publish(step, _now())
        if step.aim.weights != before:
            words = f"weights now {_spelled(step.aim.plan)}"
            self._journal.add(rollout.model, "info", words)

    def _ready_services(self) -> frozenset[str]:
        endpoints = self._supervisor.endpoints()
        return frozenset(e.service for e in endpoints if any(host.ready for host in e.hosts))

    def _workloads(self) -> dict[str, Workload]:
        return {
            name: workload
            for rollout in self.rollouts.values()
            for name, workload in rollout.workloads().items()
        }

    def _urgent(self) -> set[str]:
        """The Deployments behind a weight, now or in what is aimed at."""
        plans = [plan for r in self.rollouts.values() for plan in (r.live, r.target) if plan]
        return {
            workload.name
            for plan in plans
            for service, weight in plan.weights().items()
            if weight and (workload := plan.workload_of(service)) is not None
        }

    def _snapshot(self, steps: Mapping[str, Step]) -> Snapshot:
        """Envoy's resources, made anew only if something that they are made of has changed."""
        published = {name: s.published for name, s in steps.items() if s.published is not None}
        wanted = Wanted(
            self._envoy.port,
            published if self.accepted is not None or self.rollouts else None,
            tuple(sorted(self._supervisor.endpoints(), key=lambda each: each.service)),
            self._gateway,
        )
        if self._made is None or self._made[0] != wanted:
            self._made = wanted, snapshot(self._envoy.folder, wanted)
        return self._made[1]

    def _next(self, rollout: Rollout, ready: frozenset[str]) -> Step:
        """Where a model is to be brought now; what holds it back is told once."""
        before = rollout.waiting
        step = rollout.next(ready)
        if rollout.waiting and rollout.waiting != before and rollout.target:
            names = ", ".join(map(rollout.target.release_of, rollout.waiting))
            words = "are refused as long as no replica is ready" if rollout.live else "wait for"
            self._journal.add(rollout.model, "info", f"new routes {words}: {names}")
        return step

    def _forget_removed(self) -> None:
        """Drop models that are gone from git and from this machine."""
        kept = {group.workload.model for group in self._supervisor.groups.values()}
        kept |= self.seen.refused.keys() if self.seen else set()
        for name, rollout in list(self.rollouts.items()):
            gone = rollout.removed and rollout.live is None and not rollout.paused
            if gone and name not in kept:
                del self.rollouts[name]
                self._journal.forget(name)

    def _note_fault(self, fault: str) -> None:
        if fault and fault != self.fault:
            self._journal.add("", "error", fault)
        self.fault = fault


def _spelled(plan: ModelPlan | None) -> str:
    """The weights of a plan, by release, in words."""
    weights = plan.weights() if plan else {}
    named = (f"{plan.release_of(s)} {weight}" for s, weight in weights.items() if plan)
    return ", ".join(named) or "none"


async def _until(event: asyncio.Event, limit_s: float) -> None:
    """Wait for an event, for a bounded time, and take it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await event.wait()
    event.clear()


def _now() -> float:
    return asyncio.get_running_loop().time()
