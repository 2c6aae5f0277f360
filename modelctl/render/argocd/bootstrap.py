"""The root Application of an environment: the one object that is applied to it by hand.

Everything else of the environment follows from it.
"""

from modelctl.render.argocd.metadata import (
    API,
    NAMESPACE,
    Object,
    destination,
    metadata,
    source,
)
from modelctl.render.argocd.project import ROOT
from modelctl.render.argocd.sync import OPTIONS, retry
from modelctl.repo import layout
from modelctl.repo.kinds import Environment, GitSource

_FOLDERS = ("applications", "platform", "projects")


def root(environment: Environment, of: GitSource) -> Object:
    """Reads one source, so that Argo CD can tell by path which commits concern it.

    It never prunes: a file that goes missing must not delete a model that serves. The Application
    then shows as "requires pruning", and a person deletes it. `prune` and `allowEmpty` are false
    by being absent; written out, Argo CD would drop them and they would come back as a difference.
    """
    return {
        "apiVersion": API,
        "kind": "Application",
        "metadata": {
            **metadata(ROOT, "root"),
            "annotations": {
                "argocd.argoproj.io/manifest-generate-paths": ";".join(
                    f"/{layout.ARGOCD}/{folder}/{environment.name}" for folder in _FOLDERS
                )
            },
        },
        "spec": {
            "project": ROOT,
            "source": source(of) | {"directory": _directory(environment.name)},
            "destination": destination(NAMESPACE),
            "revisionHistoryLimit": 10,
            "syncPolicy": {
                "automated": {"enabled": True, "selfHeal": True},
                "syncOptions": list(OPTIONS),
                "retry": retry(),
            },
        },
    }


def _directory(environment: str) -> Object:
    """The folders of an environment. A `*` of Argo CD's stands for slashes too.

    So the folders below the platform's, which have Applications of their own, are left out.
    """
    patterns = ",".join(f"{folder}/{environment}/*.yaml" for folder in _FOLDERS)
    return {
        "recurse": True,
        "include": f"{{{patterns}}}",
        "exclude": f"platform/{environment}/*/*",
    }
