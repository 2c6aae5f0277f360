"""What one pod of a model says of itself, in the words of a release's state. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelctl.status.words import last_words

Json = Mapping[str, Any]

READY, STARTING, UNREADY, STOPPING = "Ready", "Starting", "Unready", "Stopping"
PENDING, CRASHED = "Pending", "CrashLoopBackOff"
_WAITS = frozenset({"ContainerCreating", "PodInitializing"})  # reasons that are a start
_OVER = frozenset({"Failed", "Succeeded"})  # phases of a pod that will not run again


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod: its state with the reason, restarts, and when its oldest container started."""

    state: str
    reason: str
    restarts: int
    started: str | None

    @property
    def is_bad(self) -> bool:
        """Whether its state is a fault, rather than a start or an end that takes its time."""
        return self.state not in {READY, STARTING, UNREADY, STOPPING, PENDING}


def pod(item: Json) -> Pod | None:
    """What a pod says; None of one that has ended for good and is only kept to be read."""
    status = item.get("status") or {}
    if status.get("phase") in _OVER:
        return None
    containers = list(_containers(status))
    state, reason = _state(item, status, containers)
    starts = [
        str(started)
        for each in containers
        if (started := ((each.get("state") or {}).get("running") or {}).get("startedAt"))
    ]
    return Pod(
        state=state,
        reason=reason,
        restarts=sum(int(each.get("restartCount") or 0) for each in containers),
        started=min(starts, default=None),
    )


def _containers(status: Json) -> Iterator[Json]:
    for key in ("initContainerStatuses", "containerStatuses"):
        yield from status.get(key) or ()


def _state(item: Json, status: Json, containers: list[Json]) -> tuple[str, str]:
    if item.get("metadata", {}).get("deletionTimestamp"):
        return STOPPING, ""
    for each in containers:
        found = _fault(each)
        if found is not None:
            return found
    conditions = {each.get("type"): each for each in status.get("conditions") or ()}
    scheduled = conditions.get("PodScheduled") or {}
    if scheduled.get("status") == "False":
        return PENDING, str(scheduled.get("message") or scheduled.get("reason") or "")
    if (conditions.get("Ready") or {}).get("status") == "True":
        return READY, ""
    has_begun = any(each.get("started") for each in status.get("containerStatuses") or ())
    return (UNREADY, "its readiness probe fails") if has_begun else (STARTING, "")


def _fault(container: Json) -> tuple[str, str] | None:
    """Why a container cannot run; None where it runs, or has ended as it should."""
    state = container.get("state") or {}
    waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
    reason = str(waiting.get("reason") or "")
    if reason and reason not in _WAITS:
        last = (container.get("lastState") or {}).get("terminated") or {}
        return reason, _end(last) if last else str(waiting.get("message") or reason)
    if ended and ended.get("exitCode") != 0:
        return CRASHED, _end(ended)
    return None


def _end(terminated: Json) -> str:
    """How a container ended: exit code, Kubernetes' reason, and the error that it gave last."""
    code, reason = terminated.get("exitCode"), str(terminated.get("reason") or "")
    kind = f" ({reason})" if reason and reason not in {"Error", "Completed"} else ""
    said = last_words(str(terminated.get("message") or "").splitlines())
    return f"exit code {code}{kind}{': ' if said else ''}{said}"
