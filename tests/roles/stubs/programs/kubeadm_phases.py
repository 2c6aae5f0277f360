"""Single phases of kubeadm init and upgrade, on a node that has joined."""

from typing import Any

import yaml

from . import calls, kubeadm_config, pki
from .kubeadm_manifests import KUBELET, MANIFESTS, write_control_plane, write_etcd
from .kubeadm_node import load_config, save_config


def _documents(arguments: list[str]) -> tuple[dict[str, Any], str]:
    """ClusterConfiguration of the file, and this node's name."""
    documents = kubeadm_config.read(calls.option(arguments, "--config"))
    registration = documents.get("InitConfiguration", {}).get("nodeRegistration") or {}
    return documents["ClusterConfiguration"], registration.get("name") or ""


def api_server_certificate(arguments: list[str]) -> None:
    """A new certificate of the API server, unless it is there, as kubeadm has it."""
    conf, node = _documents(arguments)
    key, crt = pki.PKI / "apiserver.key", pki.PKI / "apiserver.crt"
    if crt.exists():
        calls.out("[certs] Using existing apiserver certificate and key on disk")
        return
    endpoint = str(conf.get("controlPlaneEndpoint") or "127.0.0.1:6443").split(":")[0]
    section = conf.get("apiServer")
    sans = section.get("certSANs") or [] if isinstance(section, dict) else []
    names = dict.fromkeys(["kubernetes", "localhost", node, "127.0.0.1", endpoint, *sans])
    issuer, subject = pki.LEAVES["apiserver"]
    pki.leaf(issuer, subject, [name for name in names if name], key, crt)


def _names(conf: dict[str, Any], node: str) -> list[str]:
    endpoint = str(conf.get("controlPlaneEndpoint") or "127.0.0.1:6443").split(":")[0]
    sans = (conf.get("apiServer") or {}).get("certSANs") or []
    return list(dict.fromkeys(["kubernetes", "localhost", node, "127.0.0.1", endpoint, *sans]))


def certificates(arguments: list[str]) -> None:
    """Every certificate that is not there, signed by the authorities that are."""
    conf, node = _documents(arguments)
    for name in ("ca", "etcd/ca", "front-proxy-ca"):
        pki.authority(name)
    pki.make_leaves(_names(conf, node), only_missing=True)


def _kubeconfig(file: str, subject: str, arguments: list[str]) -> None:
    conf, _ = _documents(arguments)
    server = f"https://{conf.get('controlPlaneEndpoint') or '127.0.0.1:6443'}"
    if not (pki.ROOT / file).exists():
        pki.kubeconfig(pki.ROOT / file, server, subject, conf.get("clusterName", "kubernetes"))


def kubelet_kubeconfig(arguments: list[str]) -> None:
    """The kubelet's kubeconfig with a certificate inside, unless it is there."""
    node = _documents(arguments)[1]
    _kubeconfig("kubelet.conf", f"/O=system:nodes/CN=system:node:{node}", arguments)


def kubeconfigs(arguments: list[str]) -> None:
    """Every kubeconfig that is not there."""
    kubelet_kubeconfig(arguments)
    for file, subject in pki.KUBECONFIGS.items():
        _kubeconfig(file, subject, arguments)


def control_plane(arguments: list[str]) -> None:
    """The static pods anew."""
    write_control_plane(_documents(arguments)[0])


def etcd(arguments: list[str]) -> None:
    """The static pod of etcd anew."""
    conf, node = _documents(arguments)
    write_etcd(conf, node)


def upload_config(arguments: list[str]) -> None:
    """Keep the configuration in the cluster."""
    save_config("kubeadm-config", "ClusterConfiguration", _documents(arguments)[0])


def kubelet_config(arguments: list[str]) -> None:
    """The kubelet's configuration anew, with the patches of a folder."""
    kubelet = load_config("kubelet-config", "kubelet")
    patches = calls.option(arguments, "--patches")
    whole = kubeadm_config.patched({"staticPodPath": str(MANIFESTS), **kubelet}, patches)
    calls.write(KUBELET / "config.yaml", yaml.safe_dump(whole, sort_keys=True))
