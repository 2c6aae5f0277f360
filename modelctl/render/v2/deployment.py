"""The Deployment of one release, with its pods.

Nothing here reads weights, the stable release or other releases: a commit that moves traffic
restarts no pod. There is no `replicas`: the autoscaler owns it.
"""

from typing import Any

from modelctl.render.v1 import budgets, metadata, stores
from modelctl.render.v2.container import container
from modelctl.repo.kinds import Environment, Model, Release

_NONROOT_ID = 65532  # the user of the image, see serving/Dockerfile
_SPREAD_OVER = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")


def deployment(model: Model, release: Release, environment: Environment) -> dict[str, Any]:
    """The Deployment of a release."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata.release_metadata(model, release),
        "spec": {
            "revisionHistoryLimit": 2,
            "progressDeadlineSeconds": budgets.progress_deadline_s(release),
            "selector": {"matchLabels": metadata.selector(model, release)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": _rolling_update(release)},
            "template": {
                "metadata": {"labels": metadata.release_labels(model, release)},
                "spec": _pod(model, release, environment),
            },
        },
    }


def _rolling_update(release: Release) -> dict[str, int]:
    """How many pods a rollout may add and take away.

    On CPU a new pod is ready before an old one goes. A surge pod with a GPU would wait for one
    that only the old pods can free, and in a full pool neither side would ever move: so a GPU
    release is replaced one pod at a time. It keeps serving meanwhile if it has two replicas.
    """
    if release.resources.gpu:
        return {"maxSurge": 0, "maxUnavailable": 1}
    return {"maxSurge": 1, "maxUnavailable": 0}


def _pod(model: Model, release: Release, environment: Environment) -> dict[str, Any]:
    tolerations = _tolerations(release)
    return {
        "serviceAccountName": model.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": budgets.termination_grace_s(model),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _NONROOT_ID,
            "runAsGroup": _NONROOT_ID,
            "fsGroup": _NONROOT_ID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **({"tolerations": tolerations} if tolerations else {}),
        "topologySpreadConstraints": [_spread(model, release, key) for key in _SPREAD_OVER],
        "containers": [container(model, release, environment)],
        "volumes": [
            {"name": "cache", "emptyDir": {"sizeLimit": f"{budgets.cache_mib(release)}Mi"}},
            {"name": "tmp", "emptyDir": {"sizeLimit": f"{budgets.TMP_MIB}Mi"}},
            *stores.volumes(environment.stores),
        ],
    }


def _tolerations(release: Release) -> list[dict[str, str]]:
    """GPU nodes are tainted `<vendor>/gpu`, whatever slice of a GPU the resource names."""
    if not release.resources.gpu:
        return []
    vendor, _, _ = release.resources.gpu.resource.partition("/")
    return [{"key": f"{vendor}/gpu", "operator": "Exists", "effect": "NoSchedule"}]


def _spread(model: Model, release: Release, topology_key: str) -> dict[str, Any]:
    """Even spread, as a preference: it must never keep the only possible pod from starting.

    `pod-template-hash` counts each rollout's pods alone, so that the pods it replaces, which are
    about to go, do not push the new ones together.
    """
    return {
        "maxSkew": 1,
        "topologyKey": topology_key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": metadata.selector(model, release)},
        "matchLabelKeys": ["pod-template-hash"],
    }
