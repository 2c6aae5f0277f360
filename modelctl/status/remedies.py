"""What is wrong with a model, in its own words, and what a person can do about it. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from modelctl.status.values import Health

Json = Mapping[str, Any]


def remedies(model: Json, environment: str) -> Iterator[tuple[str, str]]:
    """Pairs of a reason and its remedy, which is empty where waiting is all there is to do."""
    if model["sync_reason"]:
        yield model["sync_reason"], _of_sync(model, environment)
    if model["health_reason"]:
        yield model["health_reason"], _of_health(model, environment)


def _of_sync(model: Json, environment: str) -> str:
    name = model["model"]
    if model["sync_reason"].startswith("paused"):
        return f"remove `paused: true` from apps/{name}/envs/{environment}.yaml to apply them"
    if " is refused: " in model["sync_reason"]:
        return f"`modelctl check apps/{name}` tells what to mend; what ran before still runs"
    if model["sync_reason"].startswith("Envoy refuses"):
        return f"`git revert` the commit, or mend apps/{name} and render it"
    return ""


def _of_health(model: Json, environment: str) -> str:
    name = model["model"]
    bad = next((release for release in model["releases"] if release["reason"]), None)
    if model["health"] != Health.DEGRADED or bad is None:
        return ""
    logs = f"`modelctl logs {name} {bad['release']}` shows what its servers say"
    back = f"`modelctl rollback {name} --env {environment} --commit` goes back"
    return f"{logs}, {back}" if bad["live_weight"] else logs
