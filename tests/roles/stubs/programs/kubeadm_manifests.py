"""Static pods of a control plane, and the kubelet's files."""

import json
from pathlib import Path
from typing import Any

import yaml

from . import calls
from .kubeadm_config import arguments, patched

MANIFESTS = Path("/etc/kubernetes/manifests")
KUBELET = Path("/var/lib/kubelet")
PKI = "/etc/kubernetes/pki"
ETCD_IMAGE = "3.6.10-0"


def _pod(name: str, image: str, flags: dict[str, str], mounts: list[dict[str, Any]]) -> str:
    container = {
        "name": name,
        "image": image,
        "command": [name, *(f"--{flag}={value}" for flag, value in flags.items())],
        "volumeMounts": [{"name": m["name"], "mountPath": m["mountPath"]} for m in mounts],
    }
    volumes = [{"name": m["name"], "hostPath": {"path": m["hostPath"]}} for m in mounts]
    labels = {"component": name, "tier": "control-plane"}
    document = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "kube-system", "labels": labels},
        "spec": {
            "containers": [container],
            "hostNetwork": True,
            "volumes": volumes,
            "priorityClassName": "system-node-critical",
        },
    }
    return yaml.safe_dump(document, sort_keys=False)


def _etcd(cluster: dict[str, Any], node: str) -> dict[str, str]:
    local = cluster.get("etcd", {}).get("local") or {}
    return {
        "name": node,
        "data-dir": local.get("dataDir") or "/var/lib/etcd",
        "listen-client-urls": "https://127.0.0.1:2379",
        "advertise-client-urls": "https://127.0.0.1:2379",
        "listen-peer-urls": "https://127.0.0.1:2380",
        "initial-advertise-peer-urls": "https://127.0.0.1:2380",
        "initial-cluster": f"{node}=https://127.0.0.1:2380",
        "cert-file": f"{PKI}/etcd/server.crt",
        "key-file": f"{PKI}/etcd/server.key",
        "trusted-ca-file": f"{PKI}/etcd/ca.crt",
        "client-cert-auth": "true",
        "peer-cert-file": f"{PKI}/etcd/peer.crt",
        "peer-key-file": f"{PKI}/etcd/peer.key",
        "peer-trusted-ca-file": f"{PKI}/etcd/ca.crt",
        **arguments(local.get("extraArgs")),
    }


def write_control_plane(cluster: dict[str, Any]) -> None:
    """The manifests of API server, controller manager and scheduler."""
    registry = cluster.get("imageRepository") or "registry.k8s.io"
    version = cluster["kubernetesVersion"]
    networking = cluster.get("networking", {})
    flags = {
        "kube-apiserver": {
            "secure-port": "6443",
            "etcd-servers": "https://127.0.0.1:2379",
            "service-cluster-ip-range": networking.get("serviceSubnet", "10.96.0.0/12"),
            "tls-cert-file": f"{PKI}/apiserver.crt",
            "tls-private-key-file": f"{PKI}/apiserver.key",
        },
        "kube-controller-manager": {"kubeconfig": "/etc/kubernetes/controller-manager.conf"},
        "kube-scheduler": {"kubeconfig": "/etc/kubernetes/scheduler.conf"},
    }
    sections = {
        "kube-apiserver": "apiServer",
        "kube-controller-manager": "controllerManager",
        "kube-scheduler": "scheduler",
    }
    for name, own in flags.items():
        section = cluster.get(sections[name]) or {}
        text = _pod(
            name,
            f"{registry}/{name}:{version}",
            own | arguments(section.get("extraArgs")),
            section.get("extraVolumes") or [],
        )
        calls.write(MANIFESTS / f"{name}.yaml", text, mode=0o600)


def write_etcd(cluster: dict[str, Any], node: str) -> None:
    """The manifest of etcd, which is a phase of its own."""
    registry = cluster.get("imageRepository") or "registry.k8s.io"
    etcd = _pod("etcd", f"{registry}/etcd:{ETCD_IMAGE}", _etcd(cluster, node), [])
    calls.write(MANIFESTS / "etcd.yaml", etcd, mode=0o600)


def write_kubelet(kubelet: dict[str, Any], registration: dict[str, Any], patches: str) -> None:
    """The kubelet's configuration and the flags of this node."""
    whole = patched({"staticPodPath": str(MANIFESTS), **kubelet}, patches)
    calls.write(KUBELET / "config.yaml", yaml.safe_dump(whole, sort_keys=True))
    flags = arguments(registration.get("kubeletExtraArgs"))
    if registration.get("name"):
        flags.setdefault("hostname-override", registration["name"])
    taints = registration.get("taints")
    if taints:
        flags["register-with-taints"] = ",".join(
            f"{t['key']}={t.get('value', '')}:{t['effect']}" for t in taints
        )
    line = " ".join(f"--{flag}={value}" for flag, value in flags.items())
    calls.write(KUBELET / "kubeadm-flags.env", f"KUBELET_KUBEADM_ARGS={json.dumps(line)}\n")
