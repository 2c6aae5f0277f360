"""The whole status: facts from the engine as it is now, and what they say, which is pure."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from modelctl.local.engine import Engine
from modelctl.local.journal import Journal
from modelctl.local.observe.history import History
from modelctl.local.observe.measured import Traffic, by_release
from modelctl.local.observe.releases import BAD, ReplicaFacts, release_status
from modelctl.local.plan.rollout import Rollout
from modelctl.local.plan.values import ModelPlan, Workload
from modelctl.local.servers.replica import Replica
from modelctl.local.servers.supervisor import Supervisor
from modelctl.model.tensors import Contract, TensorSpec
from modelctl.status.event import Event
from modelctl.status.values import (
    Addresses,
    EngineStatus,
    Health,
    ModelStatus,
    ReleaseStatus,
    ShadowStatus,
    Sync,
)

_SHOWN_FINDINGS = 50  # `modelctl check` has the rest
_MILLION = 1_000_000


class Overview:
    """Reads engine, supervisor and journal, and changes none of them; keeps the last hour."""

    def __init__(
        self, addresses: Addresses, engine: Engine, supervisor: Supervisor, journal: Journal
    ) -> None:
        self.addresses = addresses
        self.history = History()
        self._engine = engine
        self._supervisor = supervisor
        self._journal = journal
        self._begun_s = _now()

    def note_sample(self) -> None:
        """Keep what was measured, after a reading of Envoy's counters."""
        now_s = _now()
        since_s = self.history.due(now_s)
        if since_s is not None:
            readings = self._engine.window.since(since_s)
            counted = {
                (name, release): count
                for name, rollout in self._engine.rollouts.items()
                for release, count in by_release(readings, rollout.workloads()).items()
            }
            self.history.add(now_s, counted)

    def status(self) -> EngineStatus:
        """The status now."""
        engine = self._engine
        recent = Traffic(
            recent=engine.window.since(0),
            recent_s=min(engine.window.length_s, _now() - self._begun_s),
        )
        models = tuple(
            self._model(rollout, recent) for _, rollout in sorted(engine.rollouts.items())
        )
        sync, reason = self._sync(models)
        faults = (engine.source_fault, engine.fault, engine.good_fault)
        return EngineStatus(
            addresses=self.addresses,
            sync=sync,
            sync_reason=reason,
            seen=engine.targets.seen.commit if engine.targets.seen else None,
            synced=engine.targets.complete.commit if engine.targets.complete else None,
            findings=self._findings(),
            fault="; ".join(fault for fault in faults if fault),
            window_s=engine.window.length_s,
            models=models,
            events=self._journal.of(""),
        )

    def _sync(self, models: tuple[ModelStatus, ...]) -> tuple[Sync, str]:
        engine = self._engine
        if engine.source_fault:
            return Sync.UNKNOWN, engine.source_fault
        if engine.targets.seen is None:
            return Sync.UNKNOWN, "no revision has been read yet"
        if engine.targets.seen.refusal is not None:
            return Sync.OUT_OF_SYNC, self._refusal()
        if engine.targets.seen.refused:
            return Sync.OUT_OF_SYNC, f"refused for {', '.join(engine.targets.seen.refused)}"
        behind = [model.model for model in models if model.sync is not Sync.SYNCED]
        return (Sync.OUT_OF_SYNC, f"not yet: {', '.join(behind)}") if behind else (Sync.SYNCED, "")

    def _refusal(self) -> str:
        seen = self._engine.targets.seen
        return f"{seen.commit.id[:12]} is refused: {seen.refusal}" if seen else ""

    def _findings(self) -> tuple[str, ...]:
        findings = self._engine.targets.seen.findings if self._engine.targets.seen else ()
        return tuple(f"{finding.level}: {finding}" for finding in findings[:_SHOWN_FINDINGS])

    def _model(self, rollout: Rollout, recent: Traffic) -> ModelStatus:
        workloads: dict[str, Workload] = rollout.workloads()
        replicas: dict[str, list[ReplicaFacts]] = {}
        for name, group in self._supervisor.groups.items():
            if group.workload.model == rollout.model:
                workloads.setdefault(name, group.workload)
                replicas[name] = [self._replica(replica) for replica in group.replicas]
        facts = ModelFacts(
            workloads=tuple(workloads.values()),
            replicas=replicas,
            traffic=self._traffic(rollout, recent),
            refused=self._refused(rollout.model),
            events=self._journal.of(rollout.model),
        )
        return model_status(rollout, facts)

    def _traffic(self, rollout: Rollout, recent: Traffic) -> Traffic:
        since_s = max(rollout.live_since_s, self._begun_s)
        since = datetime.now(UTC) - timedelta(seconds=_now() - since_s)
        return Traffic(
            recent=recent.recent,
            recent_s=recent.recent_s,
            split=self._engine.window.of_split(rollout.done.aim.split),
            split_since=since.isoformat(timespec="seconds") if rollout.live else None,
        )

    def _replica(self, replica: Replica) -> ReplicaFacts:
        child = replica.child
        return ReplicaFacts(
            phase=replica.phase,
            routed=replica.port in self._engine.healthy,
            reason=replica.reason,
            restarts=replica.restarts,
            failing=replica.failing,
            started_s=child.started if child else None,
            memory_bytes=child.memory_bytes() if child else 0,
        )

    def _refused(self, model: str) -> str:
        """Why the newest revision of a model is not applied, if that was refused and changes it."""
        seen, accepted = self._engine.targets.seen, self._engine.targets.accepted
        if seen is not None and model in seen.refused:
            return f"{seen.commit.id[:12]} is refused: {seen.refused[model]}"
        if seen is None or accepted is None or seen.refusal is None:
            return ""
        same = seen.identities.get(model) == accepted.identities.get(model)
        return "" if same else self._refusal()


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of one model beside its rollout.

    `workloads` are those of its Deployments that have replicas or are to have some, `replicas`
    the replicas by Deployment, `refused` why a newer revision of it is not applied.
    """

    workloads: Sequence[Workload]
    replicas: Mapping[str, Sequence[ReplicaFacts]]
    traffic: Traffic = field(default_factory=Traffic)
    refused: str = ""
    events: tuple[Event, ...] = ()


def model_status(rollout: Rollout, facts: ModelFacts) -> ModelStatus:
    """The status of one model."""
    releases = tuple(
        release_status(rollout, w, facts.replicas.get(w.name, ()), facts.traffic)
        for w in facts.workloads
    )
    sync_reason = _sync_reason(rollout, facts, releases)
    health, health_reason = _health(rollout, releases)
    return ModelStatus(
        model=rollout.model,
        sync=Sync.OUT_OF_SYNC if sync_reason else Sync.SYNCED,
        sync_reason=sync_reason,
        health=health,
        health_reason=health_reason,
        paused=rollout.paused,
        commit=rollout.live_commit,
        wanted=rollout.target_commit,
        contract=_contract(facts.workloads),
        share_since=facts.traffic.split_since,
        releases=releases,
        shadow=_shadow(rollout.live or rollout.target),
        events=facts.events,
    )


def _sync_reason(rollout: Rollout, facts: ModelFacts, releases: Sequence[ReleaseStatus]) -> str:
    """Why what runs is not what git says; empty if it is."""
    if facts.refused or rollout.no_room:
        return facts.refused or rollout.no_room
    if rollout.held is not None or (rollout.paused and rollout.target is None):
        return "paused: true in git; changes are not applied"
    if rollout.refused:
        return f"Envoy refuses its routes, and keeps those before: {rollout.refused}"
    if rollout.waiting:
        return f"new routes wait for {_waited_for(rollout, releases)}"
    if rollout.pending:
        return "being applied" if rollout.target else "being removed"
    return ""


def _waited_for(rollout: Rollout, releases: Sequence[ReleaseStatus]) -> str:
    """The releases that a new route waits for, each with its state."""
    waited = {
        workload.release
        for service in rollout.waiting
        if rollout.target and (workload := rollout.target.workload_of(service))
    }
    return ", ".join(
        f"{item.release} ({item.state})" for item in releases if item.release in waited
    )


def _health(rollout: Rollout, releases: Sequence[ReleaseStatus]) -> tuple[Health, str]:
    if not releases:
        return Health.MISSING, "nothing of it runs"
    wanted = {w.release for w in rollout.target.workloads} if rollout.target else set()
    bad = [r for r in releases if r.state in BAD]
    if bad:
        return Health.DEGRADED, "; ".join(f"{r.release}: {r.reason or r.state}" for r in bad)
    short = [r for r in releases if r.release in wanted and r.ready < r.replicas]
    if short:
        missing = ", ".join(f"{r.release} {r.ready}/{r.replicas}" for r in short)
        return Health.PROGRESSING, f"ready so far: {missing}"
    if rollout.pending:
        return Health.PROGRESSING, "routes are being changed"
    return Health.HEALTHY, ""


def _shadow(plan: ModelPlan | None) -> ShadowStatus | None:
    for service, per_million in plan.shadows().items() if plan else ():
        workload = plan.workload_of(service) if plan else None
        if workload:
            return ShadowStatus(workload.release, 100 * per_million / _MILLION)
    return None


def _contract(workloads: Sequence[Workload]) -> Contract | None:
    """The contract that the servers of a model are started with."""
    written = (workload.template.variable("MODELSERVER_CONTRACT") for workload in workloads)
    try:
        sides = json.loads(next(filter(None, written), "null"))
        inputs, outputs = (
            tuple(
                TensorSpec(str(item["name"]), str(item["datatype"]), tuple(map(int, item["shape"])))
                for item in sides[side]
            )
            for side in ("inputs", "outputs")
        )
    except (ValueError, TypeError, KeyError):
        return None
    return Contract(inputs, outputs)


def _now() -> float:
    return asyncio.get_running_loop().time()
