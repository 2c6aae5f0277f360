"""Bootstrap tokens and the uploaded certificates: Secrets in kube-system that end."""

import base64
import datetime as dt
import hashlib
import json
import re
import secrets
from pathlib import Path

from . import calls, cluster, pki

SECRETS = "/api/v1/namespaces/kube-system/secrets"
SHARED = ("ca", "front-proxy-ca", "etcd/ca")


def _in(text: str) -> dt.datetime:
    parts = re.findall(r"(\d+)(h|m|s)", text)
    if not parts:
        calls.fail(f"invalid duration {text!r}")
    factor = {"h": 3600, "m": 60, "s": 1}
    seconds = sum(int(number) * factor[unit] for number, unit in parts)
    return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)


def _secret(name: str, kind: str, data: dict[str, str]) -> None:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": kind,
        "data": encoded,
        "metadata": {"name": name, "namespace": "kube-system"},
    }
    cluster.put(SECRETS, name, body)


def _read(name: str) -> dict[str, str]:
    status, found = cluster.request("GET", f"{SECRETS}/{name}")
    if status != 200:
        return {}
    data = {key: base64.b64decode(value).decode() for key, value in found["data"].items()}
    ends = dt.datetime.fromisoformat(data["expiration"])
    return data if ends > dt.datetime.now(dt.UTC) else {}


def create(token: str = "", ttl: str = "24h0m0s") -> str:
    """A new token that joins nodes until it ends."""
    if not token:
        token = f"{secrets.token_hex(3)}.{secrets.token_hex(8)}"
    if not re.fullmatch(r"[a-z0-9]{6}\.[a-z0-9]{16}", token):
        calls.fail(
            f'the bootstrap token "{token}" was not of the form "[a-z0-9]{{6}}.[a-z0-9]{{16}}"'
        )
    number, rest = token.split(".")
    ends = _in(ttl).strftime("%Y-%m-%dT%H:%M:%SZ")
    _secret(
        f"bootstrap-token-{number}",
        "bootstrap.kubernetes.io/token",
        {"token-id": number, "token-secret": rest, "expiration": ends},
    )
    return token


def check(token: str) -> None:
    """End the program unless the token is known and has not ended."""
    number, _, rest = token.partition(".")
    found = _read(f"bootstrap-token-{number}")
    if not rest or found.get("token-secret") != rest:
        calls.fail(
            "error execution phase preflight: couldn't validate the identity of the API "
            f"Server: could not find a JWS signature in the cluster-info ConfigMap for "
            f'token ID "{number}"'
        )


def upload_certificates(key: str) -> None:
    """Share the authorities with control planes that hold the key."""
    files = {
        f"{name}.{end}": (pki.PKI / f"{name}.{end}").read_text()
        for name in SHARED
        for end in ("crt", "key")
    }
    files |= {f"sa.{end}": (pki.PKI / f"sa.{end}").read_text() for end in ("key", "pub")}
    ends = _in("2h").strftime("%Y-%m-%dT%H:%M:%SZ")
    proof = hashlib.sha256(key.encode()).hexdigest()
    _secret(
        "kubeadm-certs", "Opaque", {"files": json.dumps(files), "proof": proof, "expiration": ends}
    )


def download_certificates(key: str) -> None:
    """Write the shared authorities on a control plane that joins."""
    found = _read("kubeadm-certs")
    if not found:
        calls.fail(
            "error execution phase control-plane-prepare/download-certs: error downloading "
            'certs: error downloading the secret: Secret "kubeadm-certs" was not found in '
            'the "kube-system" Namespace. This Secret might have expired.'
        )
    if found["proof"] != hashlib.sha256(key.encode()).hexdigest():
        calls.fail(
            "error execution phase control-plane-prepare/download-certs: error decoding "
            "secret data with provided key: cipher: message authentication failed"
        )
    for name, text in json.loads(found["files"]).items():
        mode = 0o600 if name.endswith("key") else 0o644
        calls.write(Path(pki.PKI) / name, text, mode=mode)
