"""Everything of prod on a real API server, as if Argo CD and the controllers had been at work.

Controllers do not run there: what they would write, and what Argo CD says, is written here.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from modelctl.cluster import lists
from modelctl.cluster.access import connect
from modelctl.repo.layout import place
from scratch import copy_project, git, init
from tests.cluster import control_plane as planes
from tests.cluster import health
from tests.cluster.api import Api, Key, Object, key
from tests.cluster.control_plane import ControlPlane

ENVIRONMENT = "prod"
MODEL, NAMESPACE = "digits-mlp", "models-vision"
ROUTE = Key("gateway.networking.k8s.io/v1", "HTTPRoute", NAMESPACE, MODEL)


@dataclass(frozen=True)
class Scene:
    """A repository, and an API server that has what it says of prod."""

    root: Path
    api: Api
    plane: ControlPlane
    items: tuple[Object, ...]

    def item(self, kind: str, name: str) -> Object:
        """A rendered object."""
        return next(i for i in self.items if (i["kind"], i["metadata"]["name"]) == (kind, name))

    def put(self, item: Object) -> None:
        """Apply an object as Argo CD does, and write what its controllers would."""
        self.api.apply(item)
        settle(self.api)


@contextmanager
def standing(control_plane: ControlPlane, root: Path) -> Iterator[Scene]:
    """Everything of prod as git has it, with a pod for every Deployment, until the block ends."""
    copy_project(root)
    init(root)
    items = tuple(_documents(root, f"apps/*/rendered/{ENVIRONMENT}/*.yaml"))
    applications = list(_documents(root, f"argocd/applications/{ENVIRONMENT}/*.yaml"))
    applications.append(_root())
    with control_plane.client() as api:
        for name in sorted({i["metadata"]["namespace"] for i in (*items, *applications)}):
            api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        items = tuple(i for i in items if api.serves(i["apiVersion"], i["kind"]))
        revision = git(root, "rev-parse", "HEAD").strip()
        put = (*items, *(_told(each, revision) for each in applications), *_pods(items))
        for item in put:
            api.apply(item)
        settle(api)
        yield Scene(root, api, control_plane, items)
        for item in put:
            api.delete(key(item))


def _documents(root: Path, pattern: str) -> Iterator[Object]:
    for path in sorted(root.glob(pattern)):
        yield yaml.safe_load(path.read_text())


def _root() -> Object:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "root", "namespace": "argocd"},
        "spec": {
            "project": "root",
            "source": {"repoURL": "https://git.example.com/platform/models.git", "path": "argocd"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "argocd"},
        },
    }


def _told(application: Object, revision: str) -> Object:
    """An Application that Argo CD calls Synced and Healthy; without what it would do at its end."""
    about = {k: v for k, v in application["metadata"].items() if k != "finalizers"}
    source = application["spec"]["source"]
    compared = {"source": source, "destination": application["spec"]["destination"]}
    sync = {"status": "Synced", "revision": revision, "comparedTo": compared}
    status = {"sync": sync, "health": {"status": "Healthy"}}
    return {**application, "metadata": about, "status": status}


def _pods(items: tuple[Object, ...]) -> Iterator[Object]:
    """One pod for each Deployment, as its template says."""
    for item in items:
        if item["kind"] == "Deployment":
            template, about = item["spec"]["template"], item["metadata"]
            metadata = {"name": f"{about['name']}-x", "namespace": about["namespace"]}
            yield {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {**metadata, "labels": template["metadata"]["labels"]},
                "spec": template["spec"],
            }


def settle(api: Api) -> None:
    """What controllers, kubelets and the gateway write where everything is well."""
    health.settle(api)
    for pod in api.list("v1", "Pod"):
        api.status(key(pod), pod_status(pod))
    for route in api.list(ROUTE.api_version, ROUTE.kind):
        generation = route["metadata"]["generation"]
        parents = [
            {
                "parentRef": parent,
                "controllerName": "gateway.envoyproxy.io/gatewayclass-controller",
                "conditions": [_condition(t, generation) for t in ("Accepted", "ResolvedRefs")],
            }
            for parent in route["spec"]["parentRefs"]
        ]
        api.status(key(route), {"parents": parents})


def _condition(kind: str, generation: int) -> Object:
    return {
        "type": kind, "status": "True", "reason": kind, "message": "",
        "observedGeneration": generation, "lastTransitionTime": "2026-01-01T09:00:00Z",
    }  # fmt: skip


def pod_status(pod: Object, **changes: Any) -> Object:  # noqa: ANN401 - of a container's status
    """What a kubelet says of a pod that is ready, but for what is changed of its container."""
    container = {
        "name": "server", "ready": True, "started": True, "restartCount": 0,
        "image": "", "imageID": "", "state": {"running": {"startedAt": "2026-01-01T09:00:00Z"}},
        **changes,
    }  # fmt: skip
    ready = str(container["ready"])
    assert pod["kind"] == "Pod"
    return {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": ready}],
        "containerStatuses": [container],
    }


def is_of(item: Object, name: str) -> bool:
    """Whether an object is a model's."""
    return bool(item["metadata"]["labels"]["app.kubernetes.io/name"] == name)


def shared(route: Object) -> list[Object]:
    """The backends of the rule that shares by weight: the one with the most of them."""
    rules = (rule.get("backendRefs", []) for rule in route["spec"]["rules"])
    found: list[Object] = max(rules, key=lambda each: (len(each), each[0]["weight"] if each else 0))
    return found


def crash(scene: Scene) -> Object:
    """Have one pod of the model crash; gives the pod."""
    pod = next(p for p in scene.api.list("v1", "Pod") if is_of(p, MODEL))
    ended = {
        "exitCode": 86,
        "reason": "Error",
        "message": '{"level": "error", "error": "ArtifactDigestMismatch"}\n',
    }
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    last = {"terminated": ended}
    crashed = pod_status(pod, ready=False, restartCount=4, state=waiting, lastState=last)
    scene.api.status(key(pod), crashed)
    return pod


def shift(scene: Scene, percent: int) -> Object:
    """Change the live weight of the first release, and nothing in git; gives what git has."""
    rendered = scene.item("HTTPRoute", MODEL)
    changed = json.loads(json.dumps(rendered))
    shared(changed)[0]["weight"] = percent
    scene.put(changed)
    return rendered


def record(scene: Scene) -> Object:
    """What git has of the model, and what the API server answers, of a state with two faults."""
    shift(scene, 37)
    crash(scene)
    access = connect(str(scene.plane.kubeconfig), None)
    live = lists.live(access)
    access.close()
    paths = (path.relative_to(scene.root).as_posix() for path in scene.root.rglob("*.yaml"))
    of_model = (path for path in paths if place(path).pair == (MODEL, ENVIRONMENT))
    files = {path: (scene.root / path).read_text() for path in sorted(of_model)}
    kept = {
        kind: [_kept(item) for item in getattr(live, kind) if _is_kept(item)]
        for kind in ("applications", "routes", "deployments", "pods")
    }
    return {"git": files, "namespaces": sorted(live.namespaces), **kept}


def _is_kept(item: Object) -> bool:
    return bool(item["metadata"].get("labels", {}).get("app.kubernetes.io/name") == MODEL)


def _kept(item: Object) -> Object:
    """An object without the book of who has written what, which nobody reads."""
    about = {k: v for k, v in item["metadata"].items() if k != "managedFields"}
    return {**item, "metadata": about}


def main() -> None:
    """Write tests/modelctl/cluster/recorded.json to standard output."""
    with (
        planes.running() as plane,
        tempfile.TemporaryDirectory() as folder,
        standing(plane, Path(folder)) as made,
    ):
        json.dump(record(made), sys.stdout, indent=1)
        sys.stdout.write("\n")


if __name__ == "__main__":
    main()
