"""The status of one release in a cluster, from its Deployment, its pods and the routes. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelctl.cluster.pods import READY, STARTING, STOPPING, Pod
from modelctl.render.served import Served
from modelctl.status.values import ReleaseStatus

Json = Mapping[str, Any]

MISSING, DEGRADED = "Missing", "Degraded"
# States that are no fault: what starts, waits or ends in order.
_WELL = frozenset({READY, STARTING, STOPPING, "Unready", "Pending"})


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """What is known of one release.

    `wanted` is its Deployment in git and `live` the one in the cluster, None where there is none.
    """

    release: str
    wanted: Json | None
    live: Json | None
    pods: Sequence[Pod]
    role: str
    weight: float | None
    live_weight: float | None


def release_status(facts: ReleaseFacts) -> ReleaseStatus:
    """The status of one release."""
    state, reason = _state(facts)
    variables = _variables(facts.live or facts.wanted or {})
    starts = [each.started for each in facts.pods if each.started]
    return ReleaseStatus(
        release=facts.release,
        role=facts.role,
        state=state,
        reason=reason,
        ready=_ready(facts),
        replicas=_replicas(facts.live),
        restarts=sum(each.restarts for each in facts.pods),
        started=min(starts, default=None),
        memory_bytes=None,
        image=str(_container(facts.live or facts.wanted or {}).get("image") or ""),
        artifact_uri=variables.get("MODELSERVER_ARTIFACT_URI", ""),
        artifact_sha256=variables.get("MODELSERVER_ARTIFACT_SHA256", ""),
        weight=facts.weight,
        live_weight=facts.live_weight,
        measured=None,
    )


def is_bad(status: ReleaseStatus) -> bool:
    """Whether a release's state is a fault."""
    return status.state not in _WELL


def percent(shared: Served | None, release: str) -> float | None:
    """The percentage of requests that a route gives to a release; None where it names it not."""
    weights = shared.weights if shared else {}
    whole = sum(weights.values())
    return round(100 * weights[release] / whole, 3) if release in weights and whole else None


def contract_of(deployments: Sequence[Json]) -> str:
    """The contract that the servers of Deployments are started with, as JSON; empty for none."""
    found = (_variables(each).get("MODELSERVER_CONTRACT", "") for each in deployments)
    return next(filter(None, found), "")


def _ready(facts: ReleaseFacts) -> int:
    return sum(each.state == READY for each in facts.pods)


def _replicas(deployment: Json | None) -> int:
    found = ((deployment or {}).get("spec") or {}).get("replicas", 1 if deployment else 0)
    return int(found) if isinstance(found, int) else 0


def _state(facts: ReleaseFacts) -> tuple[str, str]:
    """The worst of what the pods and the Deployment say, with the reason."""
    bad = [each for each in facts.pods if each.is_bad]
    if bad:
        return bad[0].state, bad[0].reason
    if facts.live is None:
        return _without_deployment(facts)
    if facts.live.get("metadata", {}).get("deletionTimestamp"):
        return STOPPING, ""
    late = _deadline(facts.live)
    if late:
        return DEGRADED, late
    if not _replicas(facts.live) and facts.live_weight:
        return DEGRADED, "it has traffic and is scaled to 0 replicas"
    return _progress(facts, facts.live)


def _without_deployment(facts: ReleaseFacts) -> tuple[str, str]:
    if facts.wanted is not None:
        return MISSING, "the cluster has no Deployment of it"
    if facts.live_weight:
        return MISSING, "the route gives it traffic and the cluster has no Deployment of it"
    return STOPPING, ""


def _progress(facts: ReleaseFacts, live: Json) -> tuple[str, str]:
    """How far the pods are of a Deployment that has no fault."""
    replicas = _replicas(live)
    if _ready(facts) < replicas:
        waits = [each for each in facts.pods if each.state not in {READY, STOPPING}]
        # What waits for a place or for its probe says more than what has just begun.
        waits.sort(key=lambda each: not each.reason)
        return (waits[0].state, waits[0].reason) if waits else (STARTING, "it has too few pods")
    status = live.get("status") or {}
    if (status.get("observedGeneration") or 0) < live["metadata"].get("generation", 0):
        return STARTING, "its last change has not been looked at yet"
    updated = status.get("updatedReplicas") or 0
    if updated < replicas:
        return STARTING, f"{updated} of {replicas} pods have the newest template"
    return READY, ""


def _deadline(live: Json) -> str:
    """What the Deployment says of a rollout that has come to no end in time."""
    for each in (live.get("status") or {}).get("conditions") or ():
        if each.get("type") == "Progressing" and each.get("status") == "False":
            return str(each.get("message") or each.get("reason") or "its rollout does not progress")
    return ""


def _container(deployment: Json) -> Json:
    pod = ((deployment.get("spec") or {}).get("template") or {}).get("spec") or {}
    containers = pod.get("containers") or [{}]
    first = containers[0]
    return first if isinstance(first, Mapping) else {}


def _variables(deployment: Json) -> dict[str, str]:
    entries = _container(deployment).get("env") or ()
    return {
        str(each["name"]): str(each.get("value") or "")
        for each in entries
        if isinstance(each, Mapping) and "name" in each
    }
