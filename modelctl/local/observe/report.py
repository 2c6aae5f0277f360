"""From the engine's state to its status: pure, so that every sentence can be tested."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelctl.local.envoy.clusters import source
from modelctl.local.envoy.measure import Counters, Readings
from modelctl.local.plan.rollout import Rollout
from modelctl.local.plan.values import Lane, ModelPlan, Workload
from modelctl.local.servers.replica import Phase
from modelctl.status.event import Event
from modelctl.status.values import Health, Measured, ModelStatus, ReleaseStatus, ShadowStatus, Sync

_MILLION = 1_000_000
# Release states that are a fault, rather than a start that takes its time.
_BAD = frozenset({"Degraded", Phase.WAITING.value, Phase.MISSING.value})


@dataclass(frozen=True, slots=True)
class ReplicaFacts:
    """What one replica says of itself, and whether Envoy sends it requests."""

    phase: Phase
    routed: bool
    reason: str
    restarts: int
    failing: bool

    @property
    def ready(self) -> bool:
        """Whether the replica answers requests that come through Envoy."""
        return self.phase is Phase.READY and self.routed


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of one model beside its rollout.

    `workloads` are those of its Deployments that have replicas or are to have some, `replicas`
    the replicas by Deployment, `recent` the counters of the window, `since_change` those since
    the weights last changed, `refused` why a newer revision of it is not applied.
    """

    workloads: Sequence[Workload]
    replicas: Mapping[str, Sequence[ReplicaFacts]]
    recent: Readings
    since_change: Readings
    refused: str
    events: tuple[Event, ...]


def model_status(rollout: Rollout, facts: ModelFacts) -> ModelStatus:
    """The status of one model."""
    releases = tuple(_release_status(rollout, workload, facts) for workload in facts.workloads)
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
        releases=releases,
        shadow=_shadow(rollout.live or rollout.target),
        events=facts.events,
    )


def _sync_reason(rollout: Rollout, facts: ModelFacts, releases: Sequence[ReleaseStatus]) -> str:
    """Why what runs is not what git says; empty if it is."""
    if facts.refused:
        return facts.refused
    if rollout.held is not None or (rollout.paused and rollout.target is None):
        return "paused: true in git; changes are not applied"
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
    bad = [r for r in releases if r.state in _BAD]
    if bad:
        return Health.DEGRADED, "; ".join(f"{r.release}: {r.reason or r.state}" for r in bad)
    short = [r for r in releases if r.release in wanted and r.ready < r.replicas]
    if short:
        missing = ", ".join(f"{r.release} {r.ready}/{r.replicas}" for r in short)
        return Health.PROGRESSING, f"ready so far: {missing}"
    if rollout.pending:
        return Health.PROGRESSING, "routes are being changed"
    return Health.HEALTHY, ""


def _release_status(rollout: Rollout, workload: Workload, facts: ModelFacts) -> ReleaseStatus:
    replicas = facts.replicas.get(workload.name, ())
    state, reason = _state(workload, replicas)
    return ReleaseStatus(
        release=workload.release,
        role=_role(rollout, workload),
        state=state,
        reason=reason,
        ready=sum(replica.ready for replica in replicas),
        replicas=workload.replicas,
        restarts=sum(replica.restarts for replica in replicas),
        weight=_weight(rollout.target, workload),
        live_weight=_weight(rollout.live, workload),
        measured=_measured(rollout.live, workload, facts),
    )


def _state(workload: Workload, replicas: Sequence[ReplicaFacts]) -> tuple[str, str]:
    """A release's state: the worst of its replicas, and that one's reason."""
    for phase in (Phase.MISSING, Phase.WAITING):
        for replica in replicas:
            if replica.phase is phase:
                return phase.value, replica.reason
    failing = [replica for replica in replicas if replica.failing]
    if failing:
        return "Degraded", failing[0].reason
    if sum(replica.ready for replica in replicas) >= workload.replicas:
        return Phase.READY.value, ""
    ending = [r for r in replicas if r.phase in {Phase.DRAINING, Phase.STOPPING}]
    if ending and len(ending) == len(replicas):
        return ending[0].phase.value, ""
    return Phase.STARTING.value, next((r.reason for r in replicas if r.reason), "")


def _role(rollout: Rollout, workload: Workload) -> str:
    """What the route calls this release: stable, canary, shadow, or nothing."""
    plan = rollout.target or rollout.live
    roles = (plan.role_of(service) for service in workload.services) if plan else iter(())
    return next(filter(None, roles), "")


def _weight(plan: ModelPlan | None, workload: Workload) -> float | None:
    """The percentage of requests that a plan gives to a workload."""
    weights = plan.weights() if plan else {}
    own = [weights[service] for service in workload.services if service in weights]
    total = sum(weights.values())
    return round(100 * sum(own) / total, 3) if own and total else None


def _shadow(plan: ModelPlan | None) -> ShadowStatus | None:
    for service, per_million in plan.shadows().items() if plan else ():
        workload = plan.workload_of(service) if plan else None
        if workload:
            return ShadowStatus(workload.release, 100 * per_million / _MILLION)
    return None


def _measured(live: ModelPlan | None, workload: Workload, facts: ModelFacts) -> Measured:
    lanes = {each: _lane(facts.recent, workload, each) for each in Lane}
    every = sum(lanes.values(), Counters())
    own = _lane(facts.since_change, workload, Lane.WEIGHTED).requests
    whole = sum(
        _lane(facts.since_change, other, Lane.WEIGHTED).requests
        for other in (live.workloads if live else ())
    )
    return Measured(
        requests=every.requests,
        weighted=lanes[Lane.WEIGHTED].requests,
        direct=lanes[Lane.DIRECT].requests,
        shadow=lanes[Lane.SHADOW].requests,
        share=round(own / whole, 4) if whole and _weight(live, workload) is not None else None,
        error_rate=every.error_rate(),
        latency_p50_ms=_rounded(every.quantile_ms(0.5)),
        latency_p99_ms=_rounded(every.quantile_ms(0.99)),
    )


def _lane(readings: Readings, workload: Workload, of: Lane) -> Counters:
    found = (readings.get(source(service, of)) for service in workload.services)
    return sum((counters for counters in found if counters), Counters())


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
