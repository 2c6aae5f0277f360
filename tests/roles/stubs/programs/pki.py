"""Certificates and kubeconfigs that kubeadm makes, signed with openssl."""

import base64
import datetime as dt
import hashlib
import subprocess
import tempfile
from pathlib import Path

import yaml

from . import calls

ROOT = Path("/etc/kubernetes")
PKI = ROOT / "pki"
DAYS = 365
# A test that wants certificates which have ended makes this file.
ENDED = calls.STATE / "certificates-ended"
LEAVES = {
    "apiserver": ("ca", "/CN=kube-apiserver"),
    "apiserver-kubelet-client": ("ca", "/O=system:masters/CN=kube-apiserver-kubelet-client"),
    "front-proxy-client": ("front-proxy-ca", "/CN=front-proxy-client"),
    "apiserver-etcd-client": ("etcd/ca", "/CN=kube-apiserver-etcd-client"),
    "etcd/server": ("etcd/ca", "/CN=etcd-server"),
    "etcd/peer": ("etcd/ca", "/CN=etcd-peer"),
    "etcd/healthcheck-client": ("etcd/ca", "/CN=kube-etcd-healthcheck-client"),
}
KUBECONFIGS = {
    "admin.conf": "/O=kubeadm:cluster-admins/CN=kubernetes-admin",
    "super-admin.conf": "/O=system:masters/CN=kubernetes-super-admin",
    "controller-manager.conf": "/CN=system:kube-controller-manager",
    "scheduler.conf": "/CN=system:kube-scheduler",
}


def openssl(*arguments: str) -> str:
    """What one openssl command prints."""
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        calls.fail(f"error: openssl {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def authority(name: str) -> None:
    """A self-signed certificate authority, unless it is there."""
    key, crt = PKI / f"{name}.key", PKI / f"{name}.crt"
    if crt.exists():
        return
    key.parent.mkdir(parents=True, exist_ok=True)
    openssl(
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "3650",
        "-subj",
        f"/CN={name.replace('/', '-')}",
        "-keyout",
        str(key),
        "-out",
        str(crt),
    )
    key.chmod(0o600)


def _life() -> list[str]:
    """How long a certificate is valid: one year, or until yesterday, as this openssl says it."""
    if not ENDED.exists():
        return ["-days", str(DAYS)]
    if openssl("version").startswith("OpenSSL 3.0"):
        return ["-days", "-1"]
    return ["-not_before", "20250101000000Z", "-not_after", "20250102000000Z"]


def leaf(issuer: str, subject: str, sans: list[str], key: Path, crt: Path) -> None:
    """A certificate signed by one of the authorities."""
    key.parent.mkdir(parents=True, exist_ok=True)
    kinds = ("IP:" if s.replace(".", "").isdigit() or ":" in s else "DNS:" for s in sans)
    names = ",".join(kind + san for kind, san in zip(kinds, sans, strict=True))
    with tempfile.TemporaryDirectory() as folder:
        request, extensions = Path(folder) / "csr", Path(folder) / "ext"
        extensions.write_text(
            (f"subjectAltName={names}\n" if names else "")
            + "extendedKeyUsage=serverAuth,clientAuth\n"
        )
        _request(subject, key, request)
        signing = ["-CAcreateserial", "-CA", str(PKI / f"{issuer}.crt")]
        signing += ["-CAkey", str(PKI / f"{issuer}.key"), "-extfile", str(extensions)]
        openssl("x509", "-req", "-in", str(request), *_life(), *signing, "-out", str(crt))
    key.chmod(0o600)


def _request(subject: str, key: Path, request: Path) -> None:
    """A new key, and the request that it signs."""
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-new", *curve, "-subj", subject, "-keyout", str(key), "-out", str(request))


def kubeconfig(path: Path, server: str, subject: str, cluster: str) -> None:
    """A kubeconfig with a client certificate of its own."""
    with tempfile.TemporaryDirectory() as folder:
        key, crt = Path(folder) / "key", Path(folder) / "crt"
        leaf("ca", subject, [], key, crt)
        data = {
            name: base64.b64encode(file.read_bytes()).decode()
            for name, file in (("ca", PKI / "ca.crt"), ("crt", crt), ("key", key))
        }
    user = subject.rsplit("CN=", 1)[-1]
    context = f"{user}@{cluster}"
    remote = {"server": server, "certificate-authority-data": data["ca"]}
    identity = {"client-certificate-data": data["crt"], "client-key-data": data["key"]}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": remote}],
        "users": [{"name": user, "user": identity}],
        "contexts": [{"name": context, "context": {"cluster": cluster, "user": user}}],
        "current-context": context,
    }
    calls.write(path, yaml.safe_dump(document, sort_keys=False), mode=0o600)


def make_leaves(sans: list[str], *, only_missing: bool = False) -> None:
    """Every certificate below /etc/kubernetes/pki that is not an authority."""
    for name, (issuer, subject) in LEAVES.items():
        if only_missing and (PKI / f"{name}.crt").exists():
            continue
        own = sans if name in {"apiserver", "etcd/server", "etcd/peer"} else []
        leaf(issuer, subject, own, PKI / f"{name}.key", PKI / f"{name}.crt")
    if not (PKI / "sa.key").exists():
        openssl("genrsa", "-out", str(PKI / "sa.key"), "2048")
        openssl("rsa", "-in", str(PKI / "sa.key"), "-pubout", "-out", str(PKI / "sa.pub"))


def expiry(crt: str) -> str:
    """When a certificate, given as PEM text, ends: RFC 3339."""
    with tempfile.NamedTemporaryFile("w", suffix=".crt") as file:
        file.write(crt)
        file.flush()
        line = openssl("x509", "-in", file.name, "-noout", "-enddate").split("=", 1)[1].strip()
    ends = dt.datetime.strptime(line, "%b %d %H:%M:%S %Y GMT").replace(tzinfo=dt.UTC)
    return ends.strftime("%Y-%m-%dT%H:%M:%SZ")


def ca_hash() -> str:
    """The pin of the cluster's authority, as join wants it."""
    public = subprocess.run(
        ["openssl", "x509", "-in", str(PKI / "ca.crt"), "-pubkey", "-noout"],
        capture_output=True,
        check=True,
    ).stdout
    der = subprocess.run(
        ["openssl", "pkey", "-pubin", "-outform", "DER"],
        input=public,
        capture_output=True,
        check=True,
    ).stdout
    return "sha256:" + hashlib.sha256(der).hexdigest()
