"""kubeadm init, join and reset: what they check first and what they leave on a node."""

import contextlib
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import yaml

from . import calls, cluster, kubeadm_config, kubeadm_tokens, pki
from .kubeadm_manifests import KUBELET, MANIFESTS, write_control_plane, write_etcd, write_kubelet

CONFIGS = "/api/v1/namespaces/kube-system/configmaps"
MASTER = "node-role.kubernetes.io/control-plane"
SWAPS = Path("/proc/swaps")


def _preflight(kubelet: dict[str, Any], ignored: list[str]) -> None:
    """Refuse like kubeadm's preflight, with every reason at once."""
    found: list[str] = []
    swaps = calls.STATE / "swaps"
    lines = (swaps if swaps.exists() else SWAPS).read_text().splitlines()[1:]
    if lines and kubelet.get("failSwapOn", True):
        found.append("[ERROR Swap]: running with swap on is not supported. Please disable swap")
    own = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
    found += [
        f"[ERROR FileAvailable--etc-kubernetes-manifests-{name}.yaml]: "
        f"{MANIFESTS}/{name}.yaml already exists"
        for name in own
        if (MANIFESTS / f"{name}.yaml").exists()
    ]
    if (pki.ROOT / "kubelet.conf").exists():
        found.append(
            "[ERROR FileAvailable--etc-kubernetes-kubelet.conf]: "
            "/etc/kubernetes/kubelet.conf already exists"
        )
    active = ["systemctl", "is-active", "--quiet", "containerd.service"]
    if subprocess.run(active, check=False).returncode:
        found.append("[ERROR CRI]: could not connect to the container runtime")
    if Path("/var/lib/etcd/member").exists():
        found.append("[ERROR DirAvailable--var-lib-etcd]: /var/lib/etcd is not empty")
    names = {name.lower() for name in ignored}
    left = [f for f in found if f.split("]")[0][7:].lower() not in names and "all" not in names]
    if left:
        calls.fail("[preflight] Some fatal errors occurred:\n\t" + "\n\t".join(left))


def _start_kubelet(node: str) -> None:
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    subprocess.run(["systemctl", "restart", "kubelet.service"], check=True)
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        if cluster.request("GET", f"/api/v1/nodes/{node}")[0] == 200:
            return
        time.sleep(0.2)
    calls.fail("error execution phase wait-control-plane: The kubelet is not healthy after 40s")


def _node_name(registration: dict[str, Any]) -> str:
    name: str = registration.get("name") or socket.gethostname().lower()
    return name


def _kubelet_client(server: str, node: str, name: str) -> None:
    pki.kubeconfig(
        pki.ROOT / "kubelet.conf", server, f"/O=system:nodes/CN=system:node:{node}", name
    )


def _control_plane_files(conf: dict[str, Any], node: str, *, super_admin: bool) -> None:
    server = f"https://{conf.get('controlPlaneEndpoint') or '127.0.0.1:6443'}"
    names = [
        "kubernetes",
        "localhost",
        node,
        "127.0.0.1",
        server.rsplit("/", maxsplit=1)[-1].split(":", maxsplit=1)[0],
    ]
    sans = (conf.get("apiServer") or {}).get("certSANs") or []
    pki.make_leaves(list(dict.fromkeys([*names, *sans])))
    for file, subject in pki.KUBECONFIGS.items():
        if file != "super-admin.conf" or super_admin:
            pki.kubeconfig(pki.ROOT / file, server, subject, conf.get("clusterName", "kubernetes"))
    write_control_plane(conf)
    write_etcd(conf, node)


def _mark(node: str, taints: list[dict[str, Any]] | None) -> None:
    default = [{"key": MASTER, "effect": "NoSchedule"}]
    labels = {MASTER: "", "node.kubernetes.io/exclude-from-external-load-balancers": ""}
    body = {
        "metadata": {"labels": labels},
        "spec": {"taints": default if taints is None else taints},
    }
    cluster.must("PATCH", f"/api/v1/nodes/{node}", body, kind=cluster.MERGE)


def save_config(name: str, key: str, document: dict[str, Any]) -> None:
    """Keep a configuration as kubeadm does, in a ConfigMap of kube-system."""
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "kube-system"},
        "data": {key: yaml.safe_dump(document)},
    }
    cluster.put(CONFIGS, name, body)


def load_config(name: str, key: str) -> dict[str, Any]:
    """A configuration that kubeadm keeps in kube-system."""
    found = cluster.must("GET", f"{CONFIGS}/{name}")
    document: dict[str, Any] = yaml.safe_load(found["data"][key])
    return document


def init(arguments: list[str]) -> None:
    """Make the first control plane."""
    documents = kubeadm_config.read(calls.option(arguments, "--config"))
    own = documents.get("InitConfiguration", {})
    conf = {"clusterName": "kubernetes", **documents.get("ClusterConfiguration", {})}
    kubelet = documents.get("KubeletConfiguration", {})
    registration = own.get("nodeRegistration") or {}
    ignored = calls.option(arguments, "--ignore-preflight-errors").split(",")
    _preflight(kubelet, [*ignored, *(registration.get("ignorePreflightErrors") or [])])
    tool = calls.version("kubeadm")
    conf["kubernetesVersion"] = conf.get("kubernetesVersion") or f"v{tool}"
    major, number = calls.minor(conf["kubernetesVersion"])
    if not (0 <= calls.minor(tool)[1] - number <= 1 and major == 1):
        calls.fail(
            f"this version of kubeadm only supports deploying clusters with the control "
            f"plane version >= 1.{calls.minor(tool)[1] - 1}.0. Current version: "
            f"{conf['kubernetesVersion']}"
        )
    node = _node_name(registration)
    adopted = cluster.must(
        "POST", "/double/init", {"gitVersion": conf["kubernetesVersion"], "configuration": conf}
    )
    if not (pki.PKI / "ca.crt").exists():
        calls.write(pki.PKI / "ca.crt", adopted["ca.crt"])
        calls.write(pki.PKI / "ca.key", adopted["ca.key"], mode=0o600)
    for name in ("front-proxy-ca", "etcd/ca"):
        pki.authority(name)
    _control_plane_files(conf, node, super_admin=True)
    server = f"https://{conf.get('controlPlaneEndpoint') or '127.0.0.1:6443'}"
    _kubelet_client(server, node, conf["clusterName"])
    patches = (own.get("patches") or {}).get("directory", "")
    write_kubelet(kubelet, {**registration, "taints": None}, patches)
    _start_kubelet(node)
    save_config("kubeadm-config", "ClusterConfiguration", conf)
    save_config("kubelet-config", "kubelet", kubelet)
    proxy = documents.get("KubeProxyConfiguration", {})
    save_config("kube-proxy", "config.conf", proxy)
    _mark(node, registration.get("taints"))
    for token in own.get("bootstrapTokens") or []:
        kubeadm_tokens.create(token.get("token", ""), token.get("ttl", "24h0m0s"))
    if "--upload-certs" in arguments:
        kubeadm_tokens.upload_certificates(own.get("certificateKey") or secrets.token_hex(32))
    calls.out("Your Kubernetes control-plane has initialized successfully!")


def join(arguments: list[str]) -> None:
    """Make this machine a worker or a further control plane."""
    documents = kubeadm_config.read(calls.option(arguments, "--config"))
    own = documents.get("JoinConfiguration") or calls.fail("no JoinConfiguration in the file")
    found = (own.get("discovery") or {}).get("bootstrapToken") or calls.fail(
        'discovery: Invalid value: "": bootstrapToken or file must be set'
    )
    if not found.get("caCertHashes") and not found.get("unsafeSkipCAVerification"):
        calls.fail(
            'discovery.bootstrapToken.caCertHashes: Invalid value: "": using token-based '
            "discovery without caCertHashes can be unsafe"
        )
    registration = own.get("nodeRegistration") or {}
    kubelet_error = registration.get("ignorePreflightErrors") or []
    kubeadm_tokens.check(found["token"])
    conf = load_config("kubeadm-config", "ClusterConfiguration")
    kubelet = load_config("kubelet-config", "kubelet")
    _preflight(
        kubelet, [*calls.option(arguments, "--ignore-preflight-errors").split(","), *kubelet_error]
    )
    behind = calls.minor(conf["kubernetesVersion"])[1] - calls.minor(calls.version("kubelet"))[1]
    if behind > 3 or behind < 0:
        calls.fail(
            f"the kubelet version {calls.version('kubelet')} is not supported by the "
            f"control plane's {conf['kubernetesVersion']}"
        )
    node = _node_name(registration)
    if cluster.request("GET", f"/api/v1/nodes/{node}")[0] == 200:
        conditions = cluster.must("GET", f"/api/v1/nodes/{node}")["status"].get("conditions", [])
        if any(c["type"] == "Ready" and c["status"] == "True" for c in conditions):
            calls.fail(
                f'a Node with name "{node}" and status "Ready" already exists in the cluster'
            )
    calls.write(pki.PKI / "ca.crt", cluster.must("GET", "/double/ca")["ca.crt"])
    if pki.ca_hash() not in (found.get("caCertHashes") or [pki.ca_hash()]):
        (pki.PKI / "ca.crt").unlink()
        calls.fail(
            "cluster CA found in cluster-info ConfigMap is invalid: none of the public keys "
            f'"{pki.ca_hash()}" are pinned'
        )
    _join_files(own, conf, kubelet, node)
    calls.out("This node has joined the cluster.")


def _join_files(
    own: dict[str, Any], conf: dict[str, Any], kubelet: dict[str, Any], node: str
) -> None:
    registration = own.get("nodeRegistration") or {}
    control_plane = own.get("controlPlane")
    if control_plane is not None:
        kubeadm_tokens.download_certificates(control_plane.get("certificateKey", ""))
        _control_plane_files(conf, node, super_admin=False)
    # The real kubelet asks the controller manager to sign; here the authority signs at once.
    key = pki.PKI / "ca.key"
    held = key.exists()
    if not held:
        calls.write(key, cluster.must("GET", "/double/ca")["ca.key"], mode=0o600)
    server = f"https://{conf.get('controlPlaneEndpoint') or '127.0.0.1:6443'}"
    _kubelet_client(server, node, conf["clusterName"])
    if not held:
        key.unlink()
    patches = (own.get("patches") or {}).get("directory", "")
    taints = None if control_plane is not None else registration.get("taints")
    write_kubelet(kubelet, {**registration, "taints": taints}, patches)
    _start_kubelet(node)
    if control_plane is not None:
        _mark(node, registration.get("taints"))


def reset(arguments: list[str]) -> None:
    """Undo init or join, except for what kubeadm too leaves behind."""
    if not {"-f", "--force"} & set(arguments):
        calls.fail("aborted reset operation: not a terminal; pass --force")
    subprocess.run(["systemctl", "stop", "kubelet.service"], check=False)
    for folder in (MANIFESTS, pki.PKI, Path("/var/lib/etcd")):
        for entry in folder.glob("*") if folder.exists() else []:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    for name in (*pki.KUBECONFIGS, "kubelet.conf", "bootstrap-kubelet.conf"):
        (pki.ROOT / name).unlink(missing_ok=True)
    for entry in KUBELET.glob("*") if KUBELET.exists() else []:
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    calls.out("The reset process does not clean CNI configuration.")
