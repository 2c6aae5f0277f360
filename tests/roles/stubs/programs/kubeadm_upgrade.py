"""kubeadm upgrade and certs, on a node that has joined."""

import base64
import datetime as dt
import json
from pathlib import Path
from typing import Any

import yaml

from . import calls, kubeadm_config, pki
from .cluster import must, request
from .kubeadm_manifests import KUBELET, MANIFESTS, write_control_plane, write_etcd
from .kubeadm_node import load_config, save_config

FLAGS = KUBELET / "kubeadm-flags.env"


def _node() -> str:
    text = FLAGS.read_text() if FLAGS.exists() else ""
    words = text.replace('"', " ").split()
    return calls.option(words, "--hostname-override") or Path("/etc/hostname").read_text().strip()


def _health_job() -> None:
    """The Job of kubeadm, which tolerates the taint of control planes and no other."""
    role = "node-role.kubernetes.io/control-plane"
    for node in must("GET", "/api/v1/nodes")["items"]:
        spec = node.get("spec", {})
        taints = [taint for taint in spec.get("taints") or [] if taint["key"] != role]
        if not spec.get("unschedulable") and not taints:
            return
    calls.fail(
        "[upgrade/health] FATAL: [preflight] Some fatal errors occurred:\n\t[ERROR CreateJob]: "
        'Job "upgrade-health-check" in the namespace "kube-system" did not complete in 1m0s'
    )


def plan(target: str) -> str:
    """The version that this kubeadm upgrades to; ends the program where it may not."""
    _health_job()
    conf = load_config("kubeadm-config", "ClusterConfiguration")
    current, tool = conf["kubernetesVersion"], f"v{calls.version('kubeadm')}"
    target = target or tool
    if not target.startswith("v"):
        target = f"v{target}"
    numbers = {
        name: tuple(map(int, value.lstrip("v").split(".")))
        for name, value in (("from", current), ("to", target), ("tool", tool))
    }
    reasons = []
    if numbers["to"] > numbers["tool"]:
        reasons.append(
            f'Specified version to upgrade to "{target}" is higher than the kubeadm '
            f'version "{tool}". Upgrade kubeadm first'
        )
    if numbers["to"][1] - numbers["from"][1] > 1:
        reasons.append(
            f'Specified version to upgrade to "{target}" is too high; kubeadm can '
            "upgrade only 1 minor version at a time"
        )
    if numbers["to"] < numbers["from"]:
        reasons.append(
            f'Specified version to upgrade to "{target}" is lower than the current '
            f'version "{current}"'
        )
    if numbers["tool"][1] - numbers["from"][1] > 1:
        reasons.append(f'kubeadm "{tool}" can only be used to upgrade from the minor before it')
    for node in must("GET", "/api/v1/nodes")["items"]:
        kubelet = node["status"].get("nodeInfo", {}).get("kubeletVersion", current)
        if numbers["to"][1] - calls.minor(kubelet)[1] > 3:
            reasons.append(f"kubelet {kubelet} of {node['metadata']['name']} is too old")
    if reasons:
        calls.fail(
            "[upgrade/version] FATAL: the version argument is invalid due to these fatal "
            "errors:\n\t- " + "\n\t- ".join(reasons)
        )
    return target


def _renew_kubelet_config(patches: str) -> None:
    kubelet = load_config("kubelet-config", "kubelet")
    whole = kubeadm_config.patched({"staticPodPath": str(MANIFESTS), **kubelet}, patches)
    calls.write(KUBELET / "config.yaml", yaml.safe_dump(whole, sort_keys=True))


def _configured(arguments: list[str], part: str) -> dict[str, Any]:
    path = calls.option(arguments, "--config")
    if not path:
        return {}
    found: dict[str, Any] = kubeadm_config.read(path)["UpgradeConfiguration"].get(part) or {}
    return found


def _patches(arguments: list[str], own: dict[str, Any]) -> str:
    return calls.option(arguments, "--patches") or (own.get("patches") or {}).get("directory", "")


def apply(arguments: list[str]) -> None:
    """Bring the control plane to the version of this kubeadm."""
    own = _configured(arguments, "apply")
    words = [word for word in arguments if word.startswith("v1.")]
    target = plan(words[0] if words else own.get("kubernetesVersion", ""))
    if not {"-y", "--yes", "-f", "--force"} & set(arguments) and not own.get("forceUpgrade"):
        calls.fail("[upgrade/confirm] aborted: won't proceed; the user didn't answer (Y|y)")
    if not (pki.ROOT / "admin.conf").exists():
        calls.fail(
            "couldn't create a Kubernetes client from file "
            '"/etc/kubernetes/admin.conf": failed to load admin kubeconfig'
        )
    conf = load_config("kubeadm-config", "ClusterConfiguration") | {"kubernetesVersion": target}
    write_control_plane(conf)
    write_etcd(conf, _node())
    save_config("kubeadm-config", "ClusterConfiguration", conf)
    must("POST", "/double/version", {"gitVersion": target})
    if own.get("certificateRenewal", True):
        renew()
    _renew_kubelet_config(_patches(arguments, own))
    calls.out(f'[upgrade/successful] SUCCESS! Your cluster was upgraded to "{target}". Enjoy!')


def node(arguments: list[str]) -> None:
    """Bring a further control plane, or a worker, to the cluster's version."""
    own = _configured(arguments, "node")
    if not (pki.ROOT / "kubelet.conf").exists():
        calls.fail("error: open /etc/kubernetes/kubelet.conf: no such file or directory")
    conf = load_config("kubeadm-config", "ClusterConfiguration")
    if calls.minor(calls.version("kubeadm")) < calls.minor(conf["kubernetesVersion"]):
        calls.fail(
            f"kubeadm {calls.version('kubeadm')} is older than the control plane's "
            f"{conf['kubernetesVersion']}"
        )
    if (MANIFESTS / "kube-apiserver.yaml").exists():
        write_control_plane(conf)
        write_etcd(conf, _node())
        if own.get("certificateRenewal", True):
            renew()
    _renew_kubelet_config(_patches(arguments, own))
    calls.out("[upgrade] The configuration for this node was successfully updated!")


def _known() -> dict[str, Any]:
    """The cluster's configuration; where no API answers, what the files on this host say."""
    if request("GET", "/version")[0] == 200:
        return load_config("kubeadm-config", "ClusterConfiguration")
    calls.out("[renew] Error reading configuration from the Cluster. Falling back to default")
    own: dict[str, Any] = kubeadm_config.read("/etc/kubernetes/kubeadm/kubeadm.yaml")
    found: dict[str, Any] = own["ClusterConfiguration"]
    return found


def renew() -> None:
    """New certificates by the authorities that are there."""
    conf = _known()
    server = f"https://{conf.get('controlPlaneEndpoint') or '127.0.0.1:6443'}"
    names = [
        "kubernetes",
        "localhost",
        _node(),
        "127.0.0.1",
        server.rsplit("/", maxsplit=1)[-1].split(":", maxsplit=1)[0],
    ]
    sans = (conf.get("apiServer") or {}).get("certSANs") or []
    pki.make_leaves(list(dict.fromkeys([*names, *sans])))
    for file, subject in pki.KUBECONFIGS.items():
        if (pki.ROOT / file).exists():
            pki.kubeconfig(pki.ROOT / file, server, subject, conf["clusterName"])
    for name in pki.LEAVES:
        calls.out(f"certificate {name} renewed")


def _missing(name: str) -> dict[str, Any]:
    """What kubeadm 1.36.3 prints of a file that this host does not have."""
    return {
        "name": name,
        "expirationDate": None,
        "residualTime": 0,
        "externallyManaged": False,
        "missing": True,
    }


def _entry(name: str, text: str, authority: str) -> dict[str, Any]:
    ends = pki.expiry(text)
    left = dt.datetime.fromisoformat(ends)
    left_s = int((left - dt.datetime.now(dt.UTC)).total_seconds())
    return {
        "name": name,
        "expirationDate": ends,
        "residualTime": left_s,
        "caName": authority,
        "externallyManaged": False,
        "missing": False,
    }


def expiration() -> str:
    """`kubeadm certs check-expiration -o json`."""
    leaves = [
        _entry(name.replace("/", "-"), (pki.PKI / f"{name}.crt").read_text(), issuer)
        for name, (issuer, _) in pki.LEAVES.items()
    ]
    for file in pki.KUBECONFIGS:
        if not (pki.ROOT / file).exists():
            leaves.append(_missing(file))
        else:
            users = yaml.safe_load((pki.ROOT / file).read_text())["users"]
            text = base64.b64decode(users[0]["user"]["client-certificate-data"]).decode()
            leaves.append(_entry(file, text, "ca"))
    authorities = [
        _entry(name.replace("/", "-"), (pki.PKI / f"{name}.crt").read_text(), "")
        for name in ("ca", "etcd/ca", "front-proxy-ca")
    ]
    document = {
        "kind": "CertificateExpirationInfo",
        "apiVersion": "output.kubeadm.k8s.io/v1alpha3",
        "certificates": leaves,
        "certificateAuthorities": authorities,
    }
    return json.dumps(document, indent=4)
