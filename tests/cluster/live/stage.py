"""The whole path of a request: git, a sync, the API, Envoy Gateway, Envoy, a model server."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from engine_kit import HOST, INFER, QUESTION, Load
from tests.cluster import world
from tests.cluster.api import Api, Object, key
from tests.cluster.argo import place
from tests.cluster.control_plane import ControlPlane
from tests.cluster.live import envoy_gateway
from tests.cluster.live.envoy_gateway import DataPlane
from tests.cluster.live.pods import Pods
from tests.cluster.world import ENVIRONMENT, MODEL, World
from waiting import PATIENCE_S, until

_SETTLED = 60  # answers in a row that come from the wanted releases alone
_CALLER = httpx.Client(timeout=PATIENCE_S)
_PORT = 10080  # where Envoy listens for a listener of port 80
_API = "gateway.networking.k8s.io/v1"
_CLASS = {
    "apiVersion": _API,
    "kind": "GatewayClass",
    "metadata": {"name": "models"},
    "spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
}
_GATEWAY = {
    "apiVersion": _API,
    "kind": "Gateway",
    "metadata": {"name": "models", "namespace": "gateway"},
    "spec": {
        "gatewayClassName": "models",
        "infrastructure": {
            "parametersRef": {
                "group": "gateway.envoyproxy.io",
                "kind": "EnvoyProxy",
                "name": "models",
            }
        },
        "listeners": [
            {
                "name": "http",
                "port": 80,
                "protocol": "HTTP",
                "allowedRoutes": {"namespaces": {"from": "All"}},
            }
        ],
    },
}


@dataclass(slots=True)
class Stage:
    """What runs, and the words of its tests."""

    api: Api
    world: World
    pods: Pods
    envoy: DataPlane

    def begin(self) -> None:
        """Go back to r1 alone, by hand, whatever a test has left."""
        world.serve(self.world.ground, {"r1": 100})
        self.world.ground.commit(f"apps/{MODEL}: Begin again")
        assert self.world.push().done
        until(self.pods.ready, lambda ready: ready.get(f"{MODEL}-r1", 0) >= 1)
        with self.load(1) as load:
            self.settle(load, "r1")

    def do(self, *words: str) -> None:
        """Commit an operation of modelctl, and let the cluster follow it."""
        self.world.must(words[0], MODEL, "--env", ENVIRONMENT, *words[1:])
        self.follow()

    def revert(self, count: int = 1) -> None:
        """Revert the newest commits, and let the cluster follow it."""
        self.world.revert(count)
        self.follow()

    def follow(self) -> None:
        """One sync, which has to get through."""
        did = self.world.push()
        assert did.done, did

    def load(self, connections: int = 4) -> Load:
        """Callers through Envoy, without a pause."""
        return Load(self.envoy.port, connections=connections)

    def settle(self, load: Load, *releases: str) -> None:
        """Wait until these releases, each of them and no other, answer the callers."""

        def answered() -> set[str]:
            before = load.releases.copy()
            until(lambda: load.answered >= before.total() + _SETTLED or load.failures)
            return set(load.releases - before)

        until(answered, lambda seen: load.failures or seen == set(releases))

    def until_warm(self, release: str, pods: int = 1) -> None:
        """Wait until a release answers those who name it."""
        until(self.pods.ready, lambda ready: ready.get(f"{MODEL}-{release}", 0) >= pods)
        headers = {"x-model-release": release}
        until(lambda: self.ask("POST", INFER, QUESTION, headers).status_code, lambda s: s == 200)

    def ask(
        self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """One request through Envoy."""
        return ask(self.envoy.port, method, path, body, headers)

    def pod_metrics(self, release: str) -> str:
        """What the pods of a release count."""
        return "".join(
            _CALLER.get(f"http://{pod.address}:8088/metrics").text
            for pod in list(self.pods.pods)
            if pod.deployment[1] == f"{MODEL}-{release}" and pod.ready
        )


def ask(
    port: int, method: str, path: str, body: str = "", headers: dict[str, str] | None = None
) -> httpx.Response:
    """One request to a gateway of this machine."""
    sent = {"host": HOST} | ({"content-type": "application/json"} if body else {})
    url = f"http://127.0.0.1:{port}{path}"
    return _CALLER.request(method, url, content=body, headers=sent | (headers or {}))


@contextmanager
def staged(plane: ControlPlane, folder: Path) -> Iterator[Stage]:
    """Start everything; r1 serves once the block begins."""
    for name in ("repository", "gateway", "pods"):
        (folder / name).mkdir()
    ground = world.make(folder / "repository", like_local=True)
    gateway, root = folder / "gateway", ground.root
    with plane.client() as api:
        followed = World(api, ground)
        objects = sorted(of_gateway(root), key=place)
        if "Gateway" not in {item["kind"] for item in objects}:
            objects = [_CLASS, _GATEWAY, *objects]
        world.make_namespaces(api, [*objects, _namespaced(envoy_gateway.NAMESPACE)])
        for item in objects:
            api.apply(item)
        try:
            with (
                envoy_gateway.controller(plane, gateway),
                Pods(plane, folder / "pods", root) as pods,
            ):
                assert followed.push().done
                with envoy_gateway.data_plane(api, gateway, _PORT) as envoy:
                    yield Stage(api, followed, pods, envoy)
        finally:
            followed.close()
            for item in reversed(objects):
                if item["kind"] != "Namespace":  # whose end takes a controller that is not here
                    api.delete(key(item))


def of_gateway(root: Path) -> list[Object]:
    """What is rendered for the Gateway of the environment."""
    return list(world.documents(root, f"argocd/platform/{ENVIRONMENT}/gateway"))


def _namespaced(namespace: str) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace}}


def question(value: float) -> str:
    """A prediction of the sample model."""
    tensor = {"name": "x", "datatype": "FP32", "shape": [1, 1], "data": [value]}
    return json.dumps({"inputs": [tensor]})
