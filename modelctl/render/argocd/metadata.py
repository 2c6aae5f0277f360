"""What the objects that are rendered for Argo CD have in common."""

from typing import Any

from modelctl.repo import layout
from modelctl.repo.kinds import GitSource

Object = dict[str, Any]

API = "argoproj.io/v1alpha1"
GROUP = "argoproj.io"
NAMESPACE = "argocd"
IN_CLUSTER = "https://kubernetes.default.svc"  # each environment has an Argo CD of its own


def metadata(name: str, component: str, *, namespace: str | None = NAMESPACE) -> Object:
    """Metadata of one object; without a namespace for what is in none."""
    return {
        "name": name,
        **({"namespace": namespace} if namespace else {}),
        "labels": labels(name, component),
    }


def labels(name: str, component: str) -> dict[str, str]:
    """The labels that every object has."""
    return {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "models",
        "app.kubernetes.io/managed-by": "modelctl",
    }


def destination(namespace: str) -> Object:
    """A namespace of the cluster that Argo CD runs in."""
    return {"server": IN_CLUSTER, "namespace": namespace}


def source(of: GitSource, path: str = layout.ARGOCD) -> Object:
    """A folder of the repository, at the branch that is synced."""
    return {"repoURL": of.url, "targetRevision": of.revision, "path": path}
