"""The engine: takes revisions, and steps towards them until what runs is what git says.

It is one loop. Whatever has happened, a step compares what is wanted with what is there and does
the next thing; nothing else changes what Envoy routes.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from modelctl.local.envoy.config import Snapshot, snapshot
from modelctl.local.envoy.dataplane import Envoy, EnvoyError
from modelctl.local.envoy.measure import Window, parse_counters
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
        self.fault = ""
        self.healthy: frozenset[int] = frozenset()
        self.stepped = asyncio.Event()

    @property
    def converged(self) -> bool:
        """Whether there is nothing left to do about the revision that was offered last."""
        if self.seen is None or self.seen.refusal is not None:
            return True
        return not any(rollout.pending for rollout in self.rollouts.values())

    @property
    def good(self) -> str | None:
        """The newest revision, once everything in it is routed as git says; None until then."""
        seen = self.seen
        is_good = seen is not None and seen.refusal is None and not seen.refused
        return seen.commit.id if seen and is_good and self.converged else None

    def offer(self, reading: Reading) -> None:
        """Take the newest revision: aim at what it may change, keep what runs of refused models."""
        self.seen = reading
        commit = reading.commit
        label = f'{commit.id[:12]} "{commit.subject}" by {commit.author}'
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
        self._supervisor.apply(self._wanted(), self.healthy, urgent=self._urgent())
        if self.accepted is not None:
            self._supervisor.settle()
        publishing = [
            _Sent(rollout, rollout.target, rollout.target_commit)
            for rollout in self.rollouts.values()
            if rollout.pending and not rollout.waiting
        ]
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

    def _urgent(self) -> set[str]:
        """The Deployments behind a weight, now or in a target."""
        plans = [p for r in self.rollouts.values() for p in (r.live, r.target) if p is not None]
        return {
            workload.name
            for plan in plans
            for service, weight in plan.weights().items()
            if weight and (workload := plan.workload_of(service)) is not None
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
