"""kubelet: registers its node, keeps it Ready, runs etcd and the API's port of static pods."""

import datetime as dt
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from . import calls, cluster, kubelet_pods
from .kubeadm_schema import COMPONENTS, problems

CONFIG = Path("/var/lib/kubelet/config.yaml")
CPU_STATE = Path("/var/lib/kubelet/cpu_manager_state")
CNI = ("calico-node", "kube-flannel-ds", "cilium")
BEAT_S = 1.0


def _configuration(path: Path) -> dict[str, Any]:
    if not path.exists():
        calls.fail(
            f'"command failed" err="failed to load kubelet config file, path: {path}, '
            'error: no such file or directory"'
        )
    document: dict[str, Any] = yaml.safe_load(path.read_text()) or {}
    schema = COMPONENTS["kubelet.config.k8s.io/v1beta1"]["KubeletConfiguration"]
    if document.get("kind") != "KubeletConfiguration":
        calls.fail(f'no kind "{document.get("kind")}" is registered for the kubelet, in {path}')
    found = problems(document, {"apiVersion": None, "kind": None, **schema}, "")
    if found:
        calls.fail(f"strict decoding error in {path}: {found[0]}")
    driver = document.get("cgroupDriver", "systemd")
    if driver not in {"systemd", "cgroupfs"}:
        calls.fail(f"invalid configuration: cgroupDriver: {driver}")
    return document


def _check_managers(conf: dict[str, Any]) -> None:
    policy = conf.get("cpuManagerPolicy", "none")
    reserved = conf.get("reservedSystemCPUs") or (conf.get("kubeReserved") or {}).get("cpu")
    if policy == "static" and not reserved and not (conf.get("systemReserved") or {}).get("cpu"):
        calls.fail(
            "failed to initialize cpu manager: static policy requires systemreserved.cpu "
            "+ kubereserved.cpu to be greater than zero"
        )
    if CPU_STATE.exists():
        old = json.loads(CPU_STATE.read_text())["policyName"]
        if old != policy:
            calls.fail(
                f'could not restore state from checkpoint: configured policy "{policy}" '
                f'differs from state checkpoint policy "{old}", please drain this node and '
                f"delete the CPU manager checkpoint file {CPU_STATE} before restarting"
            )
    calls.write(CPU_STATE, json.dumps({"policyName": policy}), mode=0o600)


def _taints(text: str) -> list[dict[str, str]]:
    found = []
    for item in filter(None, text.split(",")):
        pair, effect = item.rsplit(":", 1)
        key, _, value = pair.partition("=")
        found.append({"key": key, "effect": effect} | ({"value": value} if value else {}))
    return found


def _register(node: str, arguments: list[str], conf: dict[str, Any]) -> None:
    pairs = filter(None, calls.option(arguments, "--node-labels").split(","))
    labels = dict(pair.partition("=")[::2] for pair in pairs)
    labels |= {
        "kubernetes.io/hostname": node,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
    }
    taints = _taints(calls.option(arguments, "--register-with-taints"))
    spec = {"taints": taints or conf.get("registerWithTaints") or []}
    body = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node, "labels": labels},
        "spec": spec if spec["taints"] else {},
        "status": {},
    }
    while cluster.request("POST", "/api/v1/nodes", body)[0] not in {201, 409}:
        time.sleep(0.5)


def _active(unit: str) -> bool:
    return not subprocess.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode


def _ready(sets: list[dict[str, Any]]) -> tuple[bool, str]:
    if not _active("containerd.service"):
        return False, "container runtime is down"
    if not any(item["metadata"]["name"].startswith(CNI) for item in sets):
        return False, "container runtime network not ready: cni plugin not initialized"
    return True, "kubelet is posting ready status"


def _gpus(sets: list[dict[str, Any]]) -> dict[str, str]:
    if not any("nvidia-device-plugin" in item["metadata"]["name"] for item in sets):
        return {}
    for spec in (Path("/var/run/cdi/nvidia.yaml"), Path("/etc/cdi/nvidia.yaml")):
        if spec.exists():
            names = [d["name"] for d in yaml.safe_load(spec.read_text())["devices"]]
            return {"nvidia.com/gpu": str(len([name for name in names if name != "all"]))}
    return {"nvidia.com/gpu": "0"}


def status(node: str, boot: str) -> dict[str, Any]:
    """The node's status now."""
    sets = cluster.request("GET", "/apis/apps/v1/daemonsets")[1].get("items", [])
    is_ready, message = _ready(sets)
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {
        "type": "Ready",
        "status": str(is_ready),
        "message": message,
        "reason": "KubeletReady" if is_ready else "KubeletNotReady",
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }
    amount = {"cpu": str(os.cpu_count()), "memory": "16Gi", "pods": "110", **_gpus(sets)}
    info = {
        "kubeletVersion": f"v{calls.version('kubelet')}",
        "kubeProxyVersion": "",
        "containerRuntimeVersion": f"containerd://{calls.version('containerd.io')}",
        "architecture": "amd64",
        "bootID": boot,
        "kernelVersion": platform.release(),
        "machineID": node,
        "operatingSystem": "linux",
        "osImage": "Debian GNU/Linux",
        "systemUUID": node,
    }
    addresses = [
        {"type": "InternalIP", "address": "127.0.0.1"},
        {"type": "Hostname", "address": node},
    ]
    return {
        "conditions": [condition],
        "capacity": amount,
        "allocatable": amount,
        "nodeInfo": info,
        "addresses": addresses,
    }


def _stop(*_: object) -> None:
    raise SystemExit


def main() -> None:
    """Answer `--version`, or serve until told to stop."""
    arguments = calls.log("kubelet")
    if "--version" in arguments:
        calls.out(f"Kubernetes v{calls.version('kubelet')}")
        return
    conf = _configuration(Path(calls.option(arguments, "--config", str(CONFIG))))
    _check_managers(conf)
    if not Path("/etc/kubernetes/kubelet.conf").exists():
        calls.fail(
            "unable to load bootstrap kubeconfig: stat /etc/kubernetes/bootstrap-kubelet.conf"
            ": no such file or directory"
        )
    signal.signal(signal.SIGTERM, _stop)
    node = calls.option(arguments, "--hostname-override", socket.gethostname().lower())
    boot = Path("/proc/1/stat").read_text().rsplit(")", 1)[1].split()[19]
    _register(node, arguments, conf)
    pods = kubelet_pods.StaticPods(node, Path(conf.get("staticPodPath") or "/nonexistent"))
    last = ""
    try:
        while True:
            pods.sync()
            found = status(node, boot)
            answer, _ = cluster.request(
                "PATCH", f"/api/v1/nodes/{node}/status", {"status": found}, kind=cluster.MERGE
            )
            line = f"{answer} {found['conditions'][0]['message']}"
            if line != last:
                sys.stderr.write(f"node {node}: {line}\n")
                last = line
            time.sleep(BEAT_S)
    finally:
        pods.stop()


if __name__ == "__main__":
    main()
