"""The Argo CD Application that syncs a model's rendered folder of one environment.

No sync waves, no hooks, no `PruneLast` and nothing ignored in a comparison: an operation that
waits for health would hold back the commit that rolls back, and an ignored field hides that it was
never applied.
"""

from typing import Any

from modelctl.render.argocd.metadata import API, NAMESPACE, destination, source
from modelctl.render.argocd.sync import OPTIONS, PRUNE_OPTION, retry
from modelctl.render.v1 import metadata
from modelctl.repo import layout
from modelctl.repo.kinds import GitSource, Model, Serving


def application(model: Model, serving: Serving, of: GitSource) -> dict[str, Any]:
    """The Application of a model in the environment of its serving file.

    It is rendered for an environment whose cluster has an Argo CD of its own, so the destination
    is that cluster. Its finalizer deletes the model's objects with it, in the background: no GPU
    is left behind, and nothing waits for pods that end slowly.
    """
    return {
        "apiVersion": API,
        "kind": "Application",
        "metadata": {
            **metadata.model_metadata(model, component="application"),
            "namespace": NAMESPACE,
            "annotations": {"argocd.argoproj.io/manifest-generate-paths": "."},
            "finalizers": ["resources-finalizer.argocd.argoproj.io/background"],
        },
        "spec": {
            "project": model.owner,
            "source": source(of, layout.rendered_folder(model.folder, serving.environment)),
            "destination": destination(metadata.namespace(model)),
            "revisionHistoryLimit": 10,
            "syncPolicy": _sync_policy(paused=serving.paused),
        },
    }


def _sync_policy(*, paused: bool) -> dict[str, Any]:
    """Git wins within seconds, unless paused: then what runs keeps running until a person syncs.

    `allowEmpty`, which is false, is left out: Argo CD itself drops false fields when it writes an
    Application back, and the root Application would see a difference after every manual sync.
    """
    return {
        "automated": {"enabled": not paused, "prune": True, "selfHeal": True},
        "syncOptions": sorted((*OPTIONS, PRUNE_OPTION)),
        "retry": retry(),
    }
