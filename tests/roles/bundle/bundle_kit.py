"""Publishers' repositories for the tests of the bundle, and apt as an air-gapped host has it."""

import dataclasses
import os
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.content import BUILD, TESTS, digest
from harness.events import Run
from harness.stub_packages import Stub, architecture, build, stubs

LOCK: dict[str, Any] = yaml.safe_load((TESTS / "molecule" / "versions.yml").read_text())["versions"]
CODENAMES = ("bookworm", "trixie")
CUDA = {"bookworm": "debian12", "trixie": "debian13"}
MACHINE = {"amd64": "x86_64", "arm64": "sbsa"}[architecture()]
MANIFESTS = {
    "argocd": "molecule/argocd/files/install.yaml",
    "argocd_ha": "molecule/argocd/files/ha-install.yaml",
    "calico": "repository/manifests/calico.yaml",
    "flannel": "repository/manifests/flannel.yaml",
}
Player = Callable[..., Run]
# The stub of the packages' publisher that names images without the programs of a test host.
KUBEADM = {"source": "../bundle/files/kubeadm", "path": "/usr/bin/kubeadm", "mode": "0755"}


def built(scratch: Path) -> dict[str, dict[str, list[Path]]]:
    """Every stub as a package, by repository and distribution."""
    found: dict[str, dict[str, list[Path]]] = {}
    for stub in stubs():
        path = build(
            _alone(stub), scratch / "tree", scratch / stub.repository / stub.suite, architecture()
        )
        for codename in [stub.suite] if stub.suite else CODENAMES:
            found.setdefault(stub.repository, {}).setdefault(codename, []).append(path)
    return found


def _alone(stub: Stub) -> Stub:
    """The stub without the programs of a test host, which nothing here installs."""
    files = [KUBEADM] if stub.name == "kubeadm" else []
    return dataclasses.replace(stub, told={**stub.told, "files": files, "conffiles": []})


def publish_all(root: Path) -> None:
    """Make the repositories below `root`, laid out as their publishers lay them out."""
    from harness.repository import flat, publish, suites  # noqa: PLC0415 - needs pysequoia

    BUILD.mkdir(parents=True, exist_ok=True)
    found = built(root / "built")
    flat(root / "kubernetes", found["kubernetes"]["bookworm"])
    flat(
        root / "nvidia_container_toolkit" / architecture(), _any(found["nvidia_container_toolkit"])
    )
    for codename in CODENAMES:
        flat(root / "nvidia_driver" / CUDA[codename] / MACHINE, _any(found["nvidia_driver"]))
    suites(root / "containerd" / "debian", "stable", found["containerd"])
    extra = {f"{name}{kind}": [] for name in CODENAMES for kind in ("-updates", "-security")}
    for name in extra:
        (root / "debian" / "pool" / name).mkdir(parents=True)
    suites(root / "debian", "main", {**found["debian"], **extra})
    for name in ("key", "other"):
        publish(name, root)


def _any(of: dict[str, list[Path]]) -> list[Path]:
    return next(iter(of.values()))


def lock(root: Path, uri: str) -> dict[str, Any]:
    """The lock of the test hosts, its repositories below `uri`, their key that of `root`."""
    fingerprint = (root / "key.fingerprint").read_text()
    found = {}
    for name, entry in LOCK.items():
        changed = dict(entry)
        if "key_url" in entry:
            changed |= {"url": f"{uri}/{name}/", "key_url": f"{uri}/key.asc"}
            changed["key_fingerprint"] = fingerprint
        if name in MANIFESTS:
            path = TESTS / MANIFESTS[name]
            changed |= {"url": path.as_uri(), "sha256": sha256(path)}
        found[name] = changed
    return found


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    words = subprocess.run(["sha256sum", path], check=True, capture_output=True, text=True).stdout
    return words.split()[0]


def variables(root: Path, bundle: Path, uri: str = "") -> dict[str, Any]:
    """What a run of bundle.yml is given: both Debians, no images, repositories below `uri`."""
    uri = uri or root.as_uri()
    key = {"path": "keys/debian.asc", "url": f"{uri}/key.asc"}
    archive = {"name": "debian", "uri": f"{uri}/debian", "components": ["main"]}
    return {
        "versions": lock(root, uri),
        "bundle_directory": str(bundle),
        "bundle_distributions": list(CODENAMES),
        "bundle_architecture": architecture(),
        "bundle_images_fetch": False,
        "bundle_packages_excluded": ["libnvidia-container1"],
        "bundle_archives": {"debian": [{**archive, "suites": ["", "-updates", "-security"]}]},
        "bundle_archive_keys": {
            "debian": [{**key, "fingerprint": (root / "key.fingerprint").read_text()}]
        },
        "bundle_archive_packages": ["initramfs-tools"],
        "bundle_archive_gpu_packages": {"debian": ["linux-headers-amd64"]},
    }


def tree(folder: Path) -> str:
    """One digest of every path and byte below a folder."""
    return digest([folder])


@dataclass(frozen=True)
class Apt:
    """apt with state, settings and installed packages of its own: none but what it is told."""

    root: Path

    def source(self, *, uri: str, suites: Iterable[str], components: str, key: Path) -> None:
        """Add a repository that only this key may sign."""
        lines = {
            "Types": "deb",
            "URIs": uri,
            "Suites": " ".join(suites),
            "Components": components,
            "Signed-By": str(key),
        }
        text = "".join(f"{name}: {value}\n" for name, value in lines.items() if value)
        folder = self.root / "etc" / "sources.list.d"
        (folder / f"{len(list(folder.iterdir()))}.sources").write_text(text)

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run apt-get, which fails on any fault of an index."""
        options = {
            "Dir::State": self.root / "state",
            "Dir::State::status": self.root / "status",
            "Dir::Cache": self.root / "cache",
            "Dir::Etc": self.root / "etc",
            "APT::Update::Error-Mode": "any",
            "APT::Sandbox::User": "root",
            "APT::Architecture": architecture(),
        }
        settings = [f"-o{name}={value}" for name, value in options.items()]
        environment = {**os.environ, "LC_ALL": "C", "APT_CONFIG": str(self.root / "apt.conf")}
        return subprocess.run(
            ["apt-get", *settings, *words],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


def new_apt(root: Path) -> Apt:
    """An apt below `root` that knows no repository and no package."""
    for name in ("state/lists/partial", "cache/archives/partial", "etc/sources.list.d"):
        (root / name).mkdir(parents=True)
    for name in ("etc/trusted.gpg.d", "etc/preferences.d", "etc/apt.conf.d"):
        (root / name).mkdir()
    (root / "status").touch()
    (root / "apt.conf").touch()
    return Apt(root)
