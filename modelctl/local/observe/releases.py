"""The status of one release, from what its servers say of themselves. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from modelctl.local.observe.measured import Traffic, measured, weight
from modelctl.local.plan.rollout import Rollout
from modelctl.local.plan.values import Workload
from modelctl.local.servers.replica import Phase
from modelctl.status.values import ReleaseStatus

# Release states that are a fault, rather than a start that takes its time.
BAD = frozenset({"Degraded", Phase.WAITING.value, Phase.MISSING.value})


@dataclass(frozen=True, slots=True)
class ReplicaFacts:
    """What one replica says of itself, and whether Envoy sends it requests."""

    phase: Phase
    routed: bool = False
    reason: str = ""
    restarts: int = 0
    failing: bool = False
    started_s: float | None = None
    memory_bytes: int = 0

    @property
    def ready(self) -> bool:
        """Whether the replica answers requests that come through Envoy."""
        return self.phase is Phase.READY and self.routed


def release_status(
    rollout: Rollout, workload: Workload, replicas: Sequence[ReplicaFacts], traffic: Traffic
) -> ReleaseStatus:
    """The status of one release."""
    state, reason = _state(workload, replicas)
    return ReleaseStatus(
        release=workload.release,
        role=_role(rollout, workload),
        state=state,
        reason=reason,
        ready=sum(replica.ready for replica in replicas),
        replicas=workload.replicas,
        restarts=sum(replica.restarts for replica in replicas),
        started=_started(replicas),
        memory_bytes=sum(replica.memory_bytes for replica in replicas),
        image=workload.image,
        artifact_uri=workload.template.variable("MODELSERVER_ARTIFACT_URI") or "",
        artifact_sha256=workload.template.variable("MODELSERVER_ARTIFACT_SHA256") or "",
        weight=weight(rollout.target, workload),
        live_weight=weight(rollout.live, workload),
        measured=measured(rollout.live, workload, traffic),
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


def _started(replicas: Sequence[ReplicaFacts]) -> str | None:
    """When the oldest replica that runs started, in ISO 8601."""
    times = [replica.started_s for replica in replicas if replica.started_s is not None]
    return datetime.fromtimestamp(min(times), UTC).isoformat(timespec="seconds") if times else None


def _role(rollout: Rollout, workload: Workload) -> str:
    """What the route calls this release: stable, canary, shadow, or nothing."""
    plan = rollout.target or rollout.live
    roles = (plan.role_of(service) for service in workload.services) if plan else iter(())
    return next(filter(None, roles), "")
