"""The Argo CD Application that syncs a model's rendered folder of one environment.

No sync waves, no hooks and nothing ignored in a comparison: an operation that waits for health
would hold back the commit that rolls back, and an ignored field hides that it was never applied.
"""

from typing import Any

from modelctl.render.v1 import metadata
from modelctl.repo import layout
from modelctl.repo.kinds import GitSource, Model, Serving

NAMESPACE = "argocd"
_SYNC_OPTIONS = (
    "ApplyOutOfSyncOnly=true",
    "FailOnSharedResource=true",
    "PruneLast=true",
    "PrunePropagationPolicy=foreground",
    "ServerSideApply=true",
)


def application(model: Model, serving: Serving, source: GitSource) -> dict[str, Any]:
    """The Application of a model in the environment of its serving file.

    It is rendered for an environment whose cluster has an Argo CD of its own, so the destination
    is that cluster. Its finalizer deletes the model's objects with it: no GPU is left behind.
    """
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            **metadata.model_metadata(model, component="application"),
            "namespace": NAMESPACE,
            "annotations": {"argocd.argoproj.io/manifest-generate-paths": "."},
            "finalizers": ["resources-finalizer.argocd.argoproj.io/foreground"],
        },
        "spec": {
            "project": model.owner,
            "source": {
                "repoURL": source.url,
                "targetRevision": source.revision,
                "path": layout.rendered_folder(model.folder, serving.environment),
            },
            "destination": {
                "server": "https://kubernetes.default.svc",
                "namespace": metadata.namespace(model),
            },
            "revisionHistoryLimit": 10,
            "syncPolicy": _sync_policy(paused=serving.paused),
        },
    }


def _sync_policy(*, paused: bool) -> dict[str, Any]:
    """Git wins within seconds, unless paused: then what runs keeps running until a person syncs.

    A retry takes the newest commit, so that a sync which keeps failing never blocks its own fix.
    `allowEmpty`, which is false, is left out: Argo CD itself drops false fields when it writes an
    Application back, and the root Application would see a difference after every manual sync.
    """
    return {
        "automated": {"enabled": not paused, "prune": True, "selfHeal": True},
        "syncOptions": list(_SYNC_OPTIONS),
        "retry": {
            "limit": 5,
            "refresh": True,
            "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m0s"},
        },
    }
