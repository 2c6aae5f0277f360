"""Pods of Deployments as real model servers on this machine, and the EndpointSlices that say so.

It stands in for the controllers of Deployments and EndpointSlices and for the kubelet. Each pod has
an address of its own. A new template starts beside the old one, which ends when the new pod is
ready; an end is an endpoint that terminates, a pause, and SIGTERM.
"""

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from tests.cluster import private
from tests.cluster.api import Api, Object
from tests.cluster.control_plane import ControlPlane

_PORTS = {"http": 8088, "mirror": 8089}
_PAUSE_S = 0.2  # between looks; a kubelet looks once a second
_MISSES = 2  # in a row until a pod is unready, as its probe says
_ADDRESSES = itertools.count(1)


@dataclass(slots=True)
class Pod:
    """One pod: its process, and how far it is."""

    deployment: tuple[str, str]
    template: str
    labels: dict[str, str]
    address: str
    process: "subprocess.Popen[bytes]"
    pause_s: float
    ready: bool = False
    misses: int = 0
    ends_at: float | None = None
    asked: bool = False

    @property
    def name(self) -> str:
        """A name that no other pod has."""
        return f"{self.deployment[1]}-{self.address.replace('.', '-')}"


@dataclass(slots=True)
class Pods:
    """All pods of namespaces that begin with `models-`."""

    plane: ControlPlane
    folder: Path
    artifacts: Path  # what the relative paths of artifacts are below
    pods: list[Pod] = field(default_factory=list)
    frozen: bool = False  # endpoints stay as they are, as while a kubelet has not looked yet
    _slices: dict[str, str] = field(default_factory=dict)
    _prober: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=2))
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    fault: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()
        self._prober.close()
        for pod in self.pods:
            pod.process.kill()
            pod.process.wait()
        if self.fault:
            raise self.fault

    def ready(self) -> dict[str, int]:
        """How many pods of each Deployment may get requests."""
        found: dict[str, int] = {}
        for pod in list(self.pods):
            count = pod.ready and pod.ends_at is None
            found[pod.deployment[1]] = found.get(pod.deployment[1], 0) + count
        return found

    def kill(self, deployment: str) -> None:
        """Kill one ready pod's process, as the kernel would; what follows takes its time."""
        pod = next(p for p in self.pods if p.deployment[1] == deployment and p.ready)
        pod.process.kill()

    def _run(self) -> None:
        try:
            with self.plane.client() as api:
                while not self._stop.is_set():
                    self._look(api)
                    time.sleep(_PAUSE_S)
        except BaseException as error:  # noqa: BLE001 - told when the block ends
            self.fault = error

    def _look(self, api: Api) -> None:
        deployments = {
            (item["metadata"]["namespace"], item["metadata"]["name"]): item
            for item in api.list("apps/v1", "Deployment")
            if item["metadata"]["namespace"].startswith("models-")
        }
        minimums = dict(_minimums(api))
        for which, item in deployments.items():
            self._start_and_replace(which, item, minimums.get(which, 1))
        for pod in self.pods:
            if pod.deployment not in deployments:
                self._end(pod)
        for pod in list(self.pods):
            self._attend(pod)
        if not self.frozen:
            self._tell(api)

    def _start_and_replace(self, which: tuple[str, str], item: Object, wanted: int) -> None:
        template = json.dumps(item["spec"]["template"], sort_keys=True)
        own = [pod for pod in self.pods if pod.deployment == which and pod.ends_at is None]
        new = [pod for pod in own if pod.template == template]
        for _ in range(wanted - len(new)):
            self.pods.append(self._started(which, item["spec"]["template"], template))
        if sum(pod.ready for pod in new) >= wanted:
            for pod in own:
                if pod.template != template:
                    self._end(pod)

    def _started(self, which: tuple[str, str], pod: Object, template: str) -> Pod:
        number = next(_ADDRESSES)
        address = f"{private.PODS}.{number // 250}.{number % 250 + 1}"
        (container,) = pod["spec"]["containers"]
        told = {each["name"]: each["value"] for each in container["env"] if "value" in each}
        room = self.folder / address
        room.mkdir()
        told |= {
            "MODELSERVER_HOST": address,
            "MODELSERVER_PORT": str(_PORTS["http"]),
            "MODELSERVER_MIRROR_PORT": str(_PORTS["mirror"]),
            "MODELSERVER_CACHE_DIR": str(room),
            "MODELSERVER_ARTIFACT_ROOT": str(self.artifacts),
        }
        with (room / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "modelserver"],
                env=os.environ | told,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        labels = pod["metadata"]["labels"]
        return Pod(which, template, labels, address, process, pause)

    def _end(self, pod: Pod) -> None:
        if pod.ends_at is None:
            pod.ends_at = time.monotonic() + pod.pause_s

    def _attend(self, pod: Pod) -> None:
        if pod.process.poll() is not None:
            self.pods.remove(pod)  # one that crashed is made anew by the next look
            return
        if pod.ends_at is not None and time.monotonic() > pod.ends_at and not pod.asked:
            pod.process.terminate()
            pod.asked = True
        answers = not pod.asked and self._answers(pod)
        pod.misses = 0 if answers else pod.misses + 1
        pod.ready = answers or (pod.ready and not pod.asked and pod.misses < _MISSES)

    def _answers(self, pod: Pod) -> bool:
        url = f"http://{pod.address}:{_PORTS['http']}/v2/health/ready"
        try:
            return self._prober.get(url).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def _tell(self, api: Api) -> None:
        for service in api.list("v1", "Service"):
            if service["metadata"]["namespace"].startswith("models-"):
                item = _slice(service, [pod for pod in self.pods if _is_behind(pod, service)])
                text, name = json.dumps(item, sort_keys=True), service["metadata"]["name"]
                if self._slices.get(name) != text:
                    with suppress(httpx.HTTPError):
                        api.apply(item, manager="endpointslice-controller")
                        self._slices[name] = text


def _minimums(api: Api) -> Iterator[tuple[tuple[str, str], int]]:
    for item in api.list("autoscaling/v2", "HorizontalPodAutoscaler"):
        target = item["spec"]["scaleTargetRef"]["name"]
        yield (item["metadata"]["namespace"], target), item["spec"].get("minReplicas", 1)


def _is_behind(pod: Pod, service: Object) -> bool:
    selector = service["spec"].get("selector") or {}
    same = pod.deployment[0] == service["metadata"]["namespace"]
    return same and bool(selector) and selector.items() <= pod.labels.items()


def _slice(service: Object, pods: list[Pod]) -> dict[str, Any]:
    about = service["metadata"]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{about['name']}-0",
            "namespace": about["namespace"],
            "labels": {"kubernetes.io/service-name": about["name"]},
        },
        "addressType": "IPv4",
        "endpoints": [
            {
                "addresses": [pod.address],
                "conditions": {
                    "ready": pod.ready and pod.ends_at is None,
                    "serving": pod.ready,
                    "terminating": pod.ends_at is not None,
                },
            }
            for pod in pods
        ],
        "ports": [
            {"name": port["name"], "port": _PORTS[port["name"]], "protocol": "TCP"}
            for port in service["spec"]["ports"]
        ],
    }
