"""A real etcd and a real kube-apiserver on this machine, for tests.

They listen on loopback, keep everything in a folder of their own, and are ended by their ids.
Nothing else of a cluster is there: no controller, no scheduler, no kubelet. What those would
write, tests write.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from modelctl.local.servers.ports import free_port
from tests.cluster import tools
from tests.cluster.api import Api, Key
from waiting import until

PROGRAMS = ("etcd", "kube-apiserver")
ADMIN, STRANGER = "token-of-the-admin", "token-of-a-stranger"
# token, user, id and groups; a stranger may do what RBAC gives everybody, which is next to nothing.
_TOKENS = f"{ADMIN},admin,1,system:masters\n{STRANGER},stranger,2\n"
_GRACE_S = 10.0  # for an end that was asked for; then it is killed
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there; no disk is waited for


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """Where a running API server answers, and what is needed to be let in."""

    url: str
    ca: Path
    kubeconfig: Path
    folder: Path

    @contextmanager
    def client(self, token: str = ADMIN) -> Iterator[Api]:
        """A client, which may do everything unless another token is given."""
        api = Api(self.url, self.ca, token)
        try:
            yield api
        finally:
            api.close()


@contextmanager
def running(*, crds: bool = True) -> Iterator[ControlPlane]:
    """A control plane with the vendors' CRDs, until the block ends."""
    where = _MEMORY if _MEMORY.is_dir() else None
    with ExitStack() as ended:
        folder = Path(tempfile.mkdtemp(prefix="control-plane-", dir=where))
        ended.callback(shutil.rmtree, folder, ignore_errors=True)
        etcd = _start_etcd(folder, ended)
        plane = _start_api_server(folder, etcd, ended)
        if crds:
            with plane.client() as api:
                install_crds(api)
        yield plane


@contextmanager
def process(words: Sequence[str], log: Path, **options: Any) -> Iterator["subprocess.Popen[bytes]"]:  # noqa: ANN401
    """A program that runs until the block ends; what it says goes to a file."""
    with log.open("wb") as said:
        started = subprocess.Popen(words, stdout=said, stderr=subprocess.STDOUT, **options)
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def until_ready(started: "subprocess.Popen[bytes]", log: Path, url: str) -> None:
    """Wait until a program answers 200, or fail with what it said when it ended."""

    def looked() -> str:
        if started.poll() is not None:
            raise AssertionError(f"ended with {started.returncode}:\n{log.read_text()[-3000:]}")
        try:
            # Only whether it answers; who it is, the clients check.
            return str(httpx.get(url, verify=False, timeout=5).status_code)  # noqa: S501
        except httpx.HTTPError as error:
            return repr(error)

    until(looked, lambda seen: seen == "200")


def install_crds(api: Api) -> None:
    """Apply every CRD that was fetched, and wait until the API serves its kinds."""
    folder = tools.crds()
    assert folder is not None, f"no CRDs: {tools.HOW}"
    applied = [item for path in sorted(folder.glob("*.yaml")) for item in _crds(path)]
    for item in applied:
        api.create(item)  # not applied: who owns which of its ten thousand fields is of no interest
    for item in applied:
        name = item["metadata"]["name"]
        which = Key("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", name)
        until(lambda which=which: api.get(which), _is_established)


def _crds(path: Path) -> Iterator[dict[str, Any]]:
    """The CRDs of a file; a chart's are between two lines of its template."""
    text = path.read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("{{"))
    for item in yaml.load_all("\n".join(lines), Loader=yaml.CSafeLoader):
        if item and item["kind"] == "CustomResourceDefinition":
            yield item


def _is_established(crd: dict[str, Any] | None) -> bool:
    conditions = (crd or {}).get("status", {}).get("conditions", ())
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


def _start_etcd(folder: Path, ended: ExitStack) -> str:
    client, peer = (f"http://127.0.0.1:{port}" for port in _two_ports())
    words = [
        _program("etcd"),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
    ]
    log = folder / "etcd.log"
    until_ready(ended.enter_context(process(words, log)), log, f"{client}/health")
    return client


def _start_api_server(folder: Path, etcd: str, ended: ExitStack) -> ControlPlane:
    url = f"https://127.0.0.1:{free_port()}"
    (folder / "tokens.csv").write_text(_TOKENS)
    words = ["openssl", "genrsa", "-out", str(folder / "accounts.key"), "2048"]
    subprocess.run(words, check=True, capture_output=True)
    words = [_program("kube-apiserver"), *_flags(folder, etcd, url.rpartition(":")[2])]
    log = folder / "kube-apiserver.log"
    until_ready(ended.enter_context(process(words, log)), log, f"{url}/readyz")
    ca, kubeconfig = folder / "apiserver.crt", folder / "kubeconfig"
    kubeconfig.write_text(json.dumps(_kubeconfig(url, ca)))
    return ControlPlane(url, ca, kubeconfig, folder)


def _flags(folder: Path, etcd: str, port: str) -> list[str]:
    return [
        f"--etcd-servers={etcd}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        f"--cert-dir={folder}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={folder / 'accounts.key'}",
        f"--service-account-signing-key-file={folder / 'accounts.key'}",
        "--allow-privileged=true",
    ]


def _kubeconfig(url: str, ca: Path) -> dict[str, Any]:
    """Two contexts: `admin`, the current one, and `stranger`."""
    users = {"admin": ADMIN, "stranger": STRANGER}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "test", "cluster": {"server": url, "certificate-authority": str(ca)}}
        ],
        "users": [{"name": user, "user": {"token": token}} for user, token in users.items()],
        "contexts": [
            {"name": user, "context": {"cluster": "test", "user": user}} for user in users
        ],
        "current-context": "admin",
    }


def _two_ports() -> tuple[int, int]:
    first = free_port()
    return first, free_port(other_than=first)


def _program(name: str) -> str:
    found = tools.find(name)
    assert found is not None, tools.missing(name)
    return str(found)
