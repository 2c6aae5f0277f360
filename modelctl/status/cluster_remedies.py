"""What is wrong with a model in a cluster, and what to do about it; docs/how-to/on-call.md. Pure.

A reason begins with one of the words below, which is what its remedy is found by.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from modelctl.status.values import Health

Json = Mapping[str, Any]

# How the reasons of a model that is not Synced begin.
NO_APPLICATION = "git has it and the cluster has no Application"
NO_NAMESPACE = "its namespace is missing"
NOT_IN_GIT = "git has no such model"
ENDING = "its Application is being deleted"
OLD_CLONE = "Argo CD compared it with a commit that is not in the history here"
BEHIND = "Argo CD has not looked at its last commit"
UNKNOWN = "Argo CD does not know"
PAUSED = "paused: true in git"
FAILED = "its last sync failed"
RUNNING = "a sync runs since"
DIFFERS = "not applied"
SHOWN = "Argo CD shows"

_SYNC: Mapping[str, str] = {
    NO_APPLICATION: "`{kubectl} -n argocd get application root -o yaml` says why root has not "
    "made it",
    NO_NAMESPACE: "an Application of argocd/platform/{environment}/ brings it, "
    "`{kubectl} -n argocd get applications` shows how far that is",
    NOT_IN_GIT: "where it is meant to go, `{kubectl} -n argocd delete application {model}` ends it "
    "with all its objects",
    ENDING: "what holds it up, `{kubectl} -n argocd get application {model} -o yaml` says last",
    OLD_CLONE: "`git fetch` (`--unshallow` where the clone is shallow), then ask again",
    BEHIND: "it looks every few minutes, `argocd app get {model} --refresh` has it look now",
    UNKNOWN: "mend what it says; `argocd app get {model} --hard-refresh` has it look again",
    PAUSED: "remove `paused: true` from apps/{model}/envs/{environment}.yaml to apply them",
    FAILED: "`git revert` the commit, or mend what is refused; it is tried again by itself",
    RUNNING: "if it hangs, `argocd app terminate-op {model}` ends it and the newest commit follows",
    DIFFERS: "Argo CD applies git within seconds; if it does not, `argocd app get {model}` says "
    "why, `argocd app diff {model}` what",
    SHOWN: "`argocd app diff {model}` shows what",
}


def remedies(model: Json, addresses: Json) -> Iterator[tuple[str, str]]:
    """Pairs of a reason and its remedy, which is empty where waiting is all there is to do."""
    values = {
        "model": model["model"],
        "environment": addresses["environment"],
        "kubectl": f"kubectl --context {addresses['context']}",
    }
    reason = model["sync_reason"]
    if reason:
        found = (remedy for words, remedy in _SYNC.items() if reason.startswith(words))
        yield reason, next(found, "").format(**values)
    if model["health_reason"]:
        yield model["health_reason"], _of_health(model, values)


def _of_health(model: Json, values: Mapping[str, str]) -> str:
    """Where to look, and the way back where what is broken has traffic."""
    bad = next((release for release in model["releases"] if release["reason"]), None)
    if model["health"] not in {Health.DEGRADED, Health.MISSING} or bad is None:
        return ""
    name, release = values["model"], bad["release"]
    namespace = (model["application"] or {}).get("namespace") or "NAMESPACE"
    pods = f"-n {namespace} logs deployment/{name}-{release} --previous"
    logs = f"`{values['kubectl']} {pods}` shows what its servers said last"
    back = f"`modelctl rollback {name} --env {values['environment']} --commit` goes back"
    return f"{logs}, {back}" if bad["live_weight"] else logs
