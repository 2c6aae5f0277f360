"""What git asks for, by model: takes revisions and sets what each model is to be brought to."""

import time
from collections.abc import Collection, Mapping
from itertools import count

from modelctl.gateway import merging
from modelctl.gateway.fields import ObjectError
from modelctl.gateway.values import Gateway, TrafficPolicy
from modelctl.local.journal import Journal
from modelctl.local.plan.rollout import Aim, Rollout
from modelctl.local.plan.values import ModelPlan, Workload
from modelctl.local.source.reading import ModelReading, Reading
from modelctl.repo.git import Commit


class Targets:
    """The rollout of every model, and the revisions that they come from.

    `seen` is the newest revision, `accepted` the newest that was not refused as a whole, `complete`
    the newest that refused no model either.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        # Numbers of splits rise from run to run, because Envoy may outlive this engine.
        self._splits = count(int(time.time()))
        self.rollouts: dict[str, Rollout] = {}
        self.gateway: Gateway | None = None
        self.seen: Reading | None = None
        self.accepted: Reading | None = None
        self.complete: Reading | None = None

    @property
    def converged(self) -> bool:
        """Whether there is nothing left to do about the revision that was offered last."""
        if self.seen is None or self.seen.refusal is not None:
            return True
        return not any(rollout.pending for rollout in self.rollouts.values())

    @property
    def workloads(self) -> dict[str, Workload]:
        """Every Deployment that has to run now, by name."""
        return {
            name: workload
            for rollout in self.rollouts.values()
            for name, workload in rollout.workloads().items()
        }

    @property
    def urgent(self) -> set[str]:
        """The Deployments behind a weight, now or in what is aimed at."""
        plans = [plan for r in self.rollouts.values() for plan in (r.live, r.target) if plan]
        return {
            workload.name
            for plan in plans
            for service, weight in plan.weights().items()
            if weight and (workload := plan.workload_of(service)) is not None
        }

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
            return
        for model, reason in reading.refused.items():
            self._journal.add(model, "error", f"refused {label}: {reason}")
        for model, former in reading.returned.items():
            words = f"is back at what was applied at {former.id[:12]}: nothing holds that back"
            self._journal.add(model, "info", words)
        but = f", but not for {', '.join(reading.refused)}" if reading.refused else ""
        self._journal.add("", "info", f"accepted {label}{but}")
        self.accepted = reading
        self.complete = self.complete if reading.refused else reading
        platform = reading.platform
        self.gateway = merging.gateway(platform) if platform is not None else None
        self._aim(reading)

    def note_commits(self, commits: Mapping[str, Commit]) -> None:
        """Note the last commits of models, which the reading did not wait for."""
        for name in commits.keys() & self.rollouts.keys():
            self.rollouts[name].note_commit(commits[name])

    def forget_removed(self, running: Collection[str]) -> None:
        """Drop models that are gone from git; not those that are `running` on this machine yet."""
        kept = {*running, *(self.seen.refused if self.seen else ())}
        for name, rollout in list(self.rollouts.items()):
            gone = rollout.removed and rollout.live is None and not rollout.paused
            if gone and name not in kept:
                del self.rollouts[name]
                self._journal.forget(name)

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


def spelled(plan: ModelPlan | None) -> str:
    """The weights of a plan, by release, in words."""
    weights = plan.weights() if plan else {}
    named = (f"{plan.release_of(s)} {weight}" for s, weight in weights.items() if plan)
    return ", ".join(named) or "none"
