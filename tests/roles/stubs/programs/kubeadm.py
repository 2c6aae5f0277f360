"""kubeadm: dispatches to the commands that roles call."""

import secrets
from pathlib import Path

import yaml

from . import (
    calls,
    kubeadm_config,
    kubeadm_node,
    kubeadm_phases,
    kubeadm_tokens,
    kubeadm_upgrade,
    pki,
)
from .kubeadm_manifests import ETCD_IMAGE

VALUED = {
    "-o",
    "--output",
    "--config",
    "--ttl",
    "--certificate-key",
    "--kubernetes-version",
    "--old-config",
    "--new-config",
    "--kubeconfig",
    "--ignore-preflight-errors",
    "--patches",
    "--cri-socket",
    "--skip-phases",
    "--cert-dir",
    "-v",
    "--image-repository",
}


def _words(arguments: list[str]) -> list[str]:
    """Commands and positional arguments, without options and their values."""
    words, skip = [], False
    for argument in arguments:
        if not skip and not argument.startswith("-"):
            words.append(argument)
        skip = not skip and argument in VALUED
    return words


def _images(arguments: list[str]) -> None:
    registry, version = "registry.k8s.io", calls.option(arguments, "--kubernetes-version")
    path = calls.option(arguments, "--config")
    if path:
        conf = kubeadm_config.read(path).get("ClusterConfiguration", {})
        registry = conf.get("imageRepository") or registry
        version = conf.get("kubernetesVersion") or version
    version = f"v{(version or calls.version('kubeadm')).lstrip('v')}"
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"):
        calls.out(f"{registry}/{name}:{version}")
    for image in ("coredns/coredns:v1.13.1", "pause:3.10.2", f"etcd:{ETCD_IMAGE}"):
        calls.out(f"{registry}/{image}")


def _migrate(arguments: list[str]) -> None:
    old = Path(calls.option(arguments, "--old-config")).read_text()
    if calls.minor(calls.version("kubeadm")) >= (1, 37):
        calls.fail('unable to migrate: "kubeadm.k8s.io/v1beta3" is not supported any more')
    text = old.replace("kubeadm.k8s.io/v1beta3", kubeadm_config.API)
    calls.write(Path(calls.option(arguments, "--new-config")), text)


def _token(arguments: list[str]) -> None:
    words = _words(arguments)
    token = kubeadm_tokens.create(
        words[2] if len(words) > 2 else "", calls.option(arguments, "--ttl", "24h0m0s")
    )
    if "--print-join-command" not in arguments:
        calls.out(token)
        return
    conf = kubeadm_node.load_config("kubeadm-config", "ClusterConfiguration")
    line = (
        f"kubeadm join {conf.get('controlPlaneEndpoint') or '127.0.0.1:6443'} --token {token} "
        f"--discovery-token-ca-cert-hash {pki.ca_hash()}"
    )
    key = calls.option(arguments, "--certificate-key")
    calls.out(f"{line} --control-plane --certificate-key {key}" if key else line)


def _upload(arguments: list[str]) -> None:
    path = calls.option(arguments, "--config")
    conf = kubeadm_config.read(path) if path else {}
    key = (
        calls.option(arguments, "--certificate-key")
        or conf.get("InitConfiguration", {}).get("certificateKey")
        or secrets.token_hex(32)
    )
    kubeadm_tokens.upload_certificates(key)
    calls.out(
        '[upload-certs] Storing the certificates in Secret "kubeadm-certs" in the '
        '"kube-system" Namespace\n[upload-certs] Using certificate key:'
    )
    calls.out(key)


def _validate(arguments: list[str]) -> None:
    kubeadm_config.read(calls.option(arguments, "--config"))
    calls.out("ok")


def _version(arguments: list[str]) -> None:
    version = f"v{calls.version('kubeadm')}"
    style = calls.option(arguments, "-o") or calls.option(arguments, "--output")
    info = {"clientVersion": {"gitVersion": version}}
    calls.out(version if style == "short" else yaml.safe_dump(info))


# The commands that are known by all of their words.
_COMMANDS = {
    ("version",): _version,
    ("config", "validate"): _validate,
    ("config", "images", "list"): _images,
    ("config", "images", "pull"): lambda _: calls.out(""),
    ("config", "migrate"): _migrate,
    ("init",): kubeadm_node.init,
    ("init", "phase", "upload-certs"): _upload,
    ("init", "phase", "certs", "apiserver"): kubeadm_phases.api_server_certificate,
    ("init", "phase", "certs", "all"): kubeadm_phases.certificates,
    ("init", "phase", "kubeconfig", "kubelet"): kubeadm_phases.kubelet_kubeconfig,
    ("init", "phase", "kubeconfig", "all"): kubeadm_phases.kubeconfigs,
    ("init", "phase", "control-plane", "all"): kubeadm_phases.control_plane,
    ("init", "phase", "etcd", "local"): kubeadm_phases.etcd,
    ("init", "phase", "upload-config", "kubeadm"): kubeadm_phases.upload_config,
    ("upgrade", "node", "phase", "kubelet-config"): kubeadm_phases.kubelet_config,
    ("upgrade", "node"): kubeadm_upgrade.node,
    ("certs", "check-expiration"): lambda _: calls.out(kubeadm_upgrade.expiration()),
    ("certs", "renew", "all"): lambda _: kubeadm_upgrade.renew(),
    ("certs", "certificate-key"): lambda _: calls.out(secrets.token_hex(32)),
    ("reset",): kubeadm_node.reset,
}


def main() -> None:
    """Answer one call."""
    arguments = calls.log("kubeadm")
    words = _words(arguments)
    if tuple(words) in _COMMANDS:
        _COMMANDS[tuple(words)](arguments)
        return
    match words:
        case ["join", *_]:
            kubeadm_node.join(arguments)
        case ["token", "create", *_]:
            _token(arguments)
        case ["upgrade", "plan", *rest]:
            plan = kubeadm_upgrade.plan(rest[0] if rest else "")
            calls.out(f"You can now apply the upgrade: kubeadm upgrade apply {plan}")
        case ["upgrade", "apply", *_]:
            kubeadm_upgrade.apply(arguments)
        case other:
            calls.fail(f'unknown command {" ".join(other)!r} for "kubeadm"')


if __name__ == "__main__":
    main()
