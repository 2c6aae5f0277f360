"""The engine: takes revisions, and steps towards them until what runs is what git says.

It is one loop. Whatever has happened, a step compares what is wanted with what is there and does
the next thing; nothing else changes what Envoy routes.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelctl.local.envoy.config import Snapshot, snapshot
from modelctl.local.envoy.dataplane import Envoy, EnvoyError
from modelctl.local.envoy.measure import Window, parse_counters
from modelctl.local.good import GoodStates
from modelctl.local.journal import Journal
from modelctl.local.plan.rollout import Rollout
from modelctl.local.plan.values import ModelPlan, Workload
from modelctl.local.servers.replica import Phase
from modelctl.local.servers.supervisor import Supervisor
from modelctl.local.source.reading import Reading
from modelctl.local.timing import Timing
from modelctl.repo.git import Commit


@dataclass(frozen=True, slots=True)
class _Sent:
    """A plan whose routes Envoy is given; meanwhile its rollout may get a newer target."""

    rollout: Rollout
    plan: ModelPlan | None
    commit: Commit | None


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
        self.rollouts: dict[str, Rollout] = {}
        self.window = Window(timing.window_s)
        self.seen: Reading | None = None
        self.accepted: Reading | None = None
        self.complete: Reading | None = None  # the last accepted one that refused no model
        self.source_fault = ""
        self.good_fault = ""
        self.fault = ""
        self._good = good
        self.healthy: frozenset[int] = frozenset()
        self.stepped = asyncio.Event()

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
            self._aim(reading)
        self._wake.set()

    def _fall_back(self, reading: Reading) -> None:
        """At a start, take what ran before as what is live: it serves until the target can."""
        for name, words in reading.lost.items():
            self._journal.add(name, "warning", f"{words}; the newest revision alone counts")
        for name, model in reading.fallbacks.items():
            if name not in self.rollouts:
                rollout = self.rollouts.setdefault(name, Rollout(name))
                rollout.aim(model.plan, model.commit)
                if name in reading.models and not reading.models[name].paused:
                    rollout.live, rollout.live_commit = model.plan, model.commit
                self._journal.add(name, "info", "begins with the last good state")

    def note_commits(self, commits: Mapping[str, Commit]) -> None:
        """Note the last commits of models, which the reading did not wait for."""
        for name in commits.keys() & self.rollouts.keys():
            rollout = self.rollouts[name]
            rollout.target_commit = rollout.target_commit or commits[name]
            if not rollout.pending:
                rollout.live_commit = rollout.live_commit or commits[name]

    def note_source(self, fault: str) -> None:
        """Note why the repository cannot be read, or with "" that it can; what runs goes on."""
        if fault != self.source_fault:
            self.source_fault = fault
            if fault:
                self._journal.add("", "error", fault)
            else:
                self._journal.add("", "info", "the repository can be read again")
            self._wake.set()

    async def run(self) -> None:
        """Step whenever something changed, and a little later while something is under way."""
        while True:
            try:
                wait_s = await self._step()
            except Exception as error:  # noqa: BLE001 - whatever is wrong, what runs goes on
                self._note_fault(f"internal fault: {error!r}")
                wait_s = self._timing.sample_s
            self.stepped.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            self._wake.clear()

    async def sample(self) -> None:
        """Take one reading of Envoy's counters; none while it does not answer."""
        page = await self._envoy.counters()
        with contextlib.suppress(ValueError, KeyError, TypeError):
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
                rollout.aim(model.plan, model.commit)
            elif model.plan != rollout.target:
                rollout.held = model.plan
        for name in self.rollouts.keys() - reading.models.keys() - reading.refused.keys():
            rollout = self.rollouts[name]
            rollout.paused, rollout.held = False, None
            rollout.aim(None, None)

    async def _step(self) -> float:
        """Do what can be done now; gives the seconds to wait before looking again."""
        view = await self._envoy.view()
        self.healthy = view.healthy_ports()
        for rollout in self.rollouts.values():
            self._note_waiting(rollout, tuple(rollout.unready(view.ready)))
        self._supervisor.apply(self._wanted(), self.healthy)
        publishing = [
            _Sent(rollout, rollout.target, rollout.target_commit)
            for rollout in self.rollouts.values()
            if rollout.pending and not rollout.waiting
        ]
        await self._remember(publishing)
        try:
            await self._envoy.publish(self._snapshot())
        except (EnvoyError, OSError) as error:
            self._note_fault(f"routes were not changed: {error}")
            return self._timing.sample_s
        self._note_fault("Envoy does not answer" if view.silent else "")
        await self._publish(publishing)
        self._forget_removed()
        hurry = publishing or self._envoy_lags()
        return self._timing.hurry_s if hurry else self._timing.sample_s

    async def _remember(self, publishing: Sequence[_Sent]) -> None:
        """Keep for the next start, before it is routed, what each model is about to serve."""
        if self._good is None or self.accepted is None:
            return
        plans = {each.rollout.model: each.plan for each in publishing}
        served: dict[str, str | None] = {}
        for name, model in self.accepted.models.items():
            rollout = self.rollouts[name]
            if model.plan == plans.get(name, rollout.live):
                served[name] = self.accepted.commit.id
        gone = self._good.models.keys() - self.rollouts.keys()
        served |= dict.fromkeys(gone) if self.seen and self.seen.refusal is None else {}
        if any(self._good.of(name) != commit for name, commit in served.items()) or self.good_fault:
            self.good_fault = await asyncio.to_thread(self._good.remember, served)

    async def _publish(self, sent: Sequence[_Sent]) -> None:
        """Note what Envoy routes now.

        Where weights change, counters are read first, because shares are measured anew from here.
        """
        changed = [each for each in sent if _weights(each.plan) != _weights(each.rollout.live)]
        if changed:
            await self.sample()
        for each in sent:
            each.rollout.publish(each.plan, each.commit, _now())
        for each in changed:
            words = f"weights now {_spelled(each.plan)}"
            self._journal.add(each.rollout.model, "info", words)

    def _wanted(self) -> dict[str, Workload]:
        return {
            name: workload
            for rollout in self.rollouts.values()
            for name, workload in rollout.workloads().items()
        }

    def _snapshot(self) -> Snapshot:
        routes = {name: rollout.rules() for name, rollout in self.rollouts.items()}
        published = {name: rules for name, rules in routes.items() if rules is not None}
        return snapshot(self._envoy.folder, self._supervisor.endpoints(), published)

    def _envoy_lags(self) -> bool:
        """Whether Envoy does not know yet that a replica is ready, or gone."""
        return any(
            (replica.phase is Phase.READY and replica.port not in self.healthy)
            or replica.phase is Phase.GONE
            for group in self._supervisor.groups.values()
            for replica in group.replicas
        )

    def _forget_removed(self) -> None:
        """Drop models that are gone from git and from this machine."""
        kept = {group.workload.model for group in self._supervisor.groups.values()}
        kept |= self.seen.refused.keys() if self.seen else set()
        for name, rollout in list(self.rollouts.items()):
            gone = rollout.target is None and rollout.live is None and not rollout.paused
            if gone and name not in kept:
                del self.rollouts[name]
                self._journal.forget(name)

    def _note_waiting(self, rollout: Rollout, services: tuple[str, ...]) -> None:
        if services and services != rollout.waiting and rollout.target:
            names = ", ".join(map(rollout.target.release_of, services))
            self._journal.add(rollout.model, "info", f"new routes wait until ready: {names}")
        rollout.waiting = services

    def _note_fault(self, fault: str) -> None:
        if fault and fault != self.fault:
            self._journal.add("", "error", fault)
        self.fault = fault


def _weights(plan: ModelPlan | None) -> dict[str, int]:
    return plan.weights() if plan else {}


def _spelled(plan: ModelPlan | None) -> str:
    """The weights of a plan, by release, in words."""
    weights = _weights(plan).items()
    named = (f"{plan.release_of(service)} {weight}" for service, weight in weights if plan)
    return ", ".join(named) or "none"


def _now() -> float:
    return asyncio.get_running_loop().time()
