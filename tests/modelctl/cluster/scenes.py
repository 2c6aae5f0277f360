"""Objects as git has them and as a cluster has them, each with what a test does not care about.

They are as small as the reader needs. That they are shaped as real ones, `tests/cluster/` shows,
which reads a real API server.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from modelctl.cluster.facts import facts, sorted_out
from modelctl.cluster.lists import Live
from modelctl.cluster.overview import model_status
from modelctl.cluster.wanted import Compared, WantedModel
from modelctl.repo import layout
from modelctl.repo.git import Commit
from modelctl.status.values import ModelStatus

Object = dict[str, Any]

ENVIRONMENT, MODEL, NAMESPACE = "prod", "digits", "models-vision"
REVISION = "a" * 40
AT_HEAD = Compared()  # Argo CD has compared everything with what git wants now
COMMIT = Commit(REVISION, "Ann", "2026-01-01T10:00:00+00:00", "apps/digits: Shift")
NOW = "2026-01-01T09:00:00Z"


def labels(model: str, component: str, release: str = "") -> dict[str, str]:
    """The labels of an object of a model."""
    version = {"app.kubernetes.io/version": release} if release else {}
    return {
        "app.kubernetes.io/name": model,
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "models",
        "app.kubernetes.io/managed-by": "modelctl",
        **version,
    }


def deployment(release: str, model: str = MODEL, namespace: str = NAMESPACE) -> Object:
    """The Deployment of a release, as it is rendered."""
    environment = [
        {"name": "MODELSERVER_ARTIFACT_URI", "value": f"s3://models/{model}/{release}.onnx"},
        {"name": "MODELSERVER_ARTIFACT_SHA256", "value": "c" * 64},
        {"name": "MODELSERVER_CONTRACT", "value": '{"inputs": [], "outputs": []}'},
    ]
    container = {
        "name": "server",
        "image": "registry.example.com/modelserver@sha256:" + "e" * 64,
        "env": environment,
        "resources": {"requests": {"cpu": "1000m", "memory": "512Mi"}},
    }
    own = labels(model, "server", release)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{model}-{release}", "namespace": namespace, "labels": own},
        "spec": {
            "progressDeadlineSeconds": 361,
            "selector": {"matchLabels": {"app.kubernetes.io/version": release}},
            "template": {"metadata": {"labels": own}, "spec": {"containers": [container]}},
        },
    }


def route(
    weights: Mapping[str, int],
    *,
    stable: str = "r1",
    shadow: tuple[str, int] | None = None,
    model: str = MODEL,
    namespace: str = NAMESPACE,
) -> Object:
    """The route of a model, as it is rendered."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {
            "name": model,
            "namespace": namespace,
            "labels": labels(model, "route", stable),
        },
        "spec": {
            "parentRefs": [{"namespace": "gateway", "name": "models", "sectionName": "https"}],
            "hostnames": ["models.example.com"],
            "rules": [
                *([_shared(model, weights, shadow)] if any(weights.values()) else []),
                *(_direct(model, release) for release in weights),
            ],
        },
    }


def _shared(model: str, weights: Mapping[str, int], shadow: tuple[str, int] | None) -> Object:
    """The rule that shares requests out by weight, with copies for the shadow."""
    filters = []
    if shadow is not None:
        backend = {"kind": "Service", "name": f"{model}-{shadow[0]}", "port": 82}
        mirror = {"backendRef": backend, "percent": shadow[1]}
        filters.append({"type": "RequestMirror", "requestMirror": mirror})
    return {
        "name": "shared",
        "matches": [{"path": _path(model)}],
        "filters": filters,
        "backendRefs": [_backend(model, release, weight) for release, weight in weights.items()],
    }


def _direct(model: str, release: str) -> Object:
    """The rule of one release, by its name."""
    header = {"type": "Exact", "name": "x-model-release", "value": release}
    return {
        "name": release,
        "matches": [{"path": _path(model), "headers": [header]}],
        "backendRefs": [_backend(model, release, 1)],
    }


def _path(model: str) -> Object:
    return {"type": "PathPrefix", "value": f"/v2/models/{model}"}


def _backend(model: str, release: str, weight: int) -> Object:
    return {"kind": "Service", "name": f"{model}-{release}", "port": 80, "weight": weight}


def application(
    model: str = MODEL, *, environment: str = ENVIRONMENT, paused: bool = False
) -> Object:
    """The Application of a model, as it is rendered."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": model,
            "namespace": "argocd",
            "labels": labels(model, "application"),
        },
        "spec": {
            "project": "vision",
            "source": {
                "repoURL": "https://git.example.com/platform/models.git",
                "targetRevision": "refs/heads/main",
                "path": layout.rendered_folder(model, environment),
            },
            "destination": {"server": "https://kubernetes.default.svc", "namespace": NAMESPACE},
            "syncPolicy": {"automated": {"enabled": not paused, "prune": True}},
        },
    }


def wanted(*objects: Object, model: str = MODEL) -> WantedModel:
    """What git wants of a model, by its objects."""
    files = {}
    for item in objects:
        path = layout.rendered_file(model, ENVIRONMENT, item["kind"], item["metadata"]["name"])
        if item["kind"] == "Application":
            path = layout.application_file(ENVIRONMENT, model)
        files[path] = yaml.safe_dump(item, sort_keys=False).encode()
    return WantedModel(model, files)


def live_deployment(item: Object, *, replicas: int = 1) -> Object:
    """A Deployment that a cluster has: with what the API fills in, and all its pods ready."""
    found = copy.deepcopy(item)
    found["metadata"] |= {"generation": 1, "uid": "1", "resourceVersion": "7"}
    found["spec"] |= {"replicas": replicas, "revisionHistoryLimit": 10}
    pod = found["spec"]["template"]["spec"]
    pod |= {"restartPolicy": "Always", "dnsPolicy": "ClusterFirst"}
    pod["containers"][0]["resources"]["requests"]["cpu"] = "1"
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas"), replicas)
    found["status"] = {"observedGeneration": 1, **counts}
    return found


def live_route(item: Object, *, taken: bool = True) -> Object:
    """A route that a cluster has, and that its gateway has taken or has not looked at."""
    found = copy.deepcopy(item)
    found["metadata"] |= {"generation": 3, "creationTimestamp": NOW}
    conditions = [
        {"type": kind, "status": "True", "observedGeneration": 3}
        for kind in ("Accepted", "ResolvedRefs")
    ]
    parents = [{"parentRef": {"name": "models"}, "conditions": conditions}]
    found["status"] = {"parents": parents if taken else []}
    return found


def live_application(
    item: Object,
    *,
    sync: str = "Synced",
    health: str = "Healthy",
    revision: str = REVISION,
    **status: Any,  # noqa: ANN401 - any field of a status
) -> Object:
    """An Application that a cluster has, with what Argo CD says of it."""
    found = copy.deepcopy(item)
    found["status"] = {
        "sync": {"status": sync, "revision": revision},
        "health": {"status": health},
        "reconciledAt": NOW,
        "operationState": {"phase": "Succeeded", "startedAt": NOW, "message": "synced"},
        **status,
    }
    return found


def pod(
    release: str,
    *,
    model: str = MODEL,
    ready: bool = True,
    restarts: int = 0,
    waiting: Mapping[str, str] | None = None,
    last: Mapping[str, object] | None = None,
    **changes: Any,  # noqa: ANN401 - any field of a status
) -> Object:
    """A pod of a release: ready, or waiting for something."""
    state = {"waiting": dict(waiting)} if waiting else {"running": {"startedAt": NOW}}
    container = {
        "name": "server",
        "ready": ready,
        "started": ready,
        "restartCount": restarts,
        "state": state,
        "lastState": {"terminated": dict(last)} if last else {},
    }
    return {
        "metadata": {
            "name": f"{model}-{release}-x",
            "namespace": NAMESPACE,
            "labels": labels(model, "server", release),
        },
        "status": {
            "phase": "Running",
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": str(ready)},
            ],
            "containerStatuses": [container],
            **changes,
        },
    }


def status(
    git: WantedModel | None,
    *,
    applications: Sequence[Object] = (),
    routes: Sequence[Object] = (),
    deployments: Sequence[Object] = (),
    pods: Sequence[Object] = (),
    compared: Compared = AT_HEAD,
    namespaces: frozenset[str] = frozenset({NAMESPACE, "argocd"}),
) -> dict[str, ModelStatus]:
    """The status of every model that git, with this one model, or the cluster has."""
    models = {git.model: git} if git else {}
    live = Live(tuple(applications), tuple(routes), tuple(deployments), tuple(pods), namespaces)
    found = sorted_out(live, ENVIRONMENT, models).models
    commits = dict.fromkeys(models, COMMIT)
    return {
        each.model: model_status(each) for each in facts(models, commits, live, found, compared)
    }


def settled(**changes: Any) -> ModelStatus:  # noqa: ANN401 - any of `status`
    """The status of a model at 90 and 10 percent that is well, but for what is changed."""
    items = (application(), route({"r1": 90, "r2": 10}), deployment("r1"), deployment("r2"))
    scene: dict[str, Any] = {
        "applications": (live_application(items[0]),),
        "routes": (live_route(items[1]),),
        "deployments": (live_deployment(items[2]), live_deployment(items[3])),
        "pods": (pod("r1"), pod("r2")),
    }
    return status(wanted(*items), **scene | changes)[MODEL]
