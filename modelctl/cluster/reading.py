"""The status of an environment that Argo CD serves: git here, and one look at its cluster."""

from pathlib import Path

from modelctl.cluster import applications, facts, lists
from modelctl.cluster.access import Access, connect
from modelctl.cluster.applications import ROOT, application_status, has_failed, out_of_sync
from modelctl.cluster.facts import Applications, sorted_out
from modelctl.cluster.failures import other_environment
from modelctl.cluster.overview import model_status
from modelctl.cluster.wanted import Wanted, compared, wanted
from modelctl.repo import git
from modelctl.repo.git import Commit
from modelctl.repo.kinds import Environment, GitSource
from modelctl.status.values import Addresses, EngineStatus, ModelStatus, Sync


def read(
    root: Path,
    environment: Environment,
    source: GitSource,
    *,
    kubeconfig: str | None = None,
    context: str | None = None,
) -> EngineStatus:
    """The status of an environment now; nothing is changed, here or there.

    Raises:
        GitError: The revision that Argo CD follows is not in this repository.
        ClusterError: The cluster cannot be read, or is another environment's.
    """
    in_git = wanted(root, environment.name, source)
    access = connect(kubeconfig, context)
    try:
        live = lists.live(access)
    finally:
        access.close()
    found = sorted_out(live, environment.name, in_git.models)
    if found.elsewhere and not found.models:
        raise other_environment(access.place, environment.name, found.elsewhere)
    revisions = {application_status(each).revision for each in found.models.values()} - {""}
    known = compared(root, environment.name, in_git.commit.id, revisions)
    each_model = facts.facts(in_git.models, in_git.commits, live, found.models, known)
    models = tuple(map(model_status, each_model))
    sync, reason = _sync(models, found)
    return EngineStatus(
        addresses=_addresses(root, environment, in_git, access),
        sync=sync,
        sync_reason=reason,
        seen=in_git.commit,
        synced=_everywhere(root, in_git.commit, revisions - known.elsewhere, len(revisions)),
        findings=(),
        fault="",
        window_s=0.0,
        models=models,
        events=tuple(applications.others(found.others)),
    )


def _addresses(root: Path, environment: Environment, in_git: Wanted, access: Access) -> Addresses:
    gateway, argocd = environment.gateway, environment.argocd
    scheme = "https" if "https" in gateway.listener else "http"
    return Addresses(
        environment=environment.name,
        source=f"{in_git.ref} of {root}",
        pid=None,
        started=None,
        traffic=f"{scheme}://{gateway.hostname}",
        page=(argocd.url if argocd else None) or "",
        state="",
        engine="argocd",
        cluster=access.place.server,
        context=access.place.context,
    )


def _sync(models: tuple[ModelStatus, ...], found: Applications) -> tuple[Sync, str]:
    """Whether the cluster has what git says: its models, and what brings them."""
    root = found.others.get(ROOT)
    if root is None:
        return Sync.OUT_OF_SYNC, f"no Application {ROOT} brings models: `playbooks/argocd.yml` does"
    said = application_status(root)
    if said.sync != Sync.SYNCED:
        failed = said.message if has_failed(said) else ""
        words = "; ".join(filter(None, (*said.conditions, failed, *out_of_sync(root))))
        sync = Sync.OUT_OF_SYNC if said.sync == Sync.OUT_OF_SYNC else Sync.UNKNOWN
        return sync, f"Application {ROOT} is {said.sync}: {words or 'it does not say why'}"
    for sync, words in ((Sync.OUT_OF_SYNC, "not yet"), (Sync.UNKNOWN, "not known")):
        names = [model.model for model in models if model.sync is sync]
        if names:
            return sync, f"{words}: {', '.join(names)}"
    return Sync.SYNCED, ""


def _everywhere(root: Path, seen: Commit, known: set[str], count: int) -> Commit | None:
    """The one revision that Argo CD has compared every model with; None for several, or none."""
    if count != 1 or not known:
        return None
    (revision,) = known
    return seen if revision == seen.id else git.describe(root, revision)
