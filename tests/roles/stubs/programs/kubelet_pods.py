"""Static pods: etcd runs for real, the API server's port leads to the cluster's API."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from . import cluster

ETCD = Path(os.environ.get("STUB_ETCD", "/srv/cluster/bin/etcd"))
PODS = "/api/v1/namespaces/kube-system/pods"


class StaticPods:
    """The processes and mirror pods of a manifest folder."""

    def __init__(self, node: str, folder: Path) -> None:
        """Watch one folder for one node."""
        self._node = node
        self._folder = folder
        self._texts: dict[str, str] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._mirrored: set[str] = set()

    def sync(self) -> None:
        """Start, restart and stop what the folder says."""
        paths = sorted(self._folder.glob("*.yaml")) if self._folder.is_dir() else []
        found = {path.name: path.read_text() for path in paths}
        for name in self._texts.keys() - found.keys():
            self._end(name)
        for name, text in found.items():
            process = self._running.get(name)
            died = process is not None and process.poll() is not None
            if died or self._texts.get(name) != text:
                self._end(name)
                self._begin(name, text)
            if name not in self._mirrored:
                self._mirror(name, yaml.safe_load(text))

    def _begin(self, name: str, text: str) -> None:
        self._texts[name] = text
        pod = yaml.safe_load(text)
        command = list(pod["spec"]["containers"][0].get("command") or [])
        if command[:1] == ["etcd"] and ETCD.exists():
            # The oldest etcd that runs here does not know every flag of the newest.
            self._running[name] = subprocess.Popen([str(ETCD), *command[1:]], stdout=sys.stderr)
        # The real one ends with: unrecognized feature gate. One that no version has stands for all.
        wrong = any("NoSuchGate" in word for word in command)
        if command[:1] == ["kube-apiserver"] and not wrong:
            proxy = [
                "/usr/bin/python3",
                "-c",
                (
                    "import sys; sys.path.insert(0, '/usr/lib/stub-programs'); "
                    "from programs import apiserver_port; apiserver_port.main()"
                ),
            ]
            self._running[name] = subprocess.Popen(proxy, stdout=sys.stderr)

    def _mirror(self, name: str, pod: dict[str, Any]) -> None:
        full = f"{pod['metadata']['name']}-{self._node}"
        meta = pod["metadata"] | {
            "name": full,
            "namespace": "kube-system",
            "annotations": {"kubernetes.io/config.mirror": "static"},
        }
        body = {**pod, "metadata": meta, "spec": pod["spec"] | {"nodeName": self._node}}
        if cluster.request("POST", PODS, body)[0] in {201, 409}:
            self._mirrored.add(name)

    def _end(self, name: str) -> None:
        self._texts.pop(name, None)
        process = self._running.pop(name, None)
        if process is not None:
            process.terminate()
            process.wait(timeout=10)
        if name in self._mirrored:
            self._mirrored.discard(name)
            cluster.request("DELETE", f"{PODS}/{Path(name).stem}-{self._node}")

    def stop(self) -> None:
        """End every process."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            process.wait(timeout=10)
