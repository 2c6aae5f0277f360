"""Programs of Kubernetes and Envoy Gateway for tests, built from the Go modules pinned beside this.

`make cluster-tools` builds what tests use and fetches the vendors' CRDs, once for each content of
the pins; no user needs any of it. `python3 tests/cluster/tools.py kubeadm kubectl` builds others.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent
_PROGRAMS, _CRDS = ("go.mod", "go.sum"), ("crds.toml",)  # what pins each
_KUBERNETES = "k8s.io/kubernetes"
_GATEWAY = "github.com/envoyproxy/gateway"
# Name of a program and the package that it is built from, in the order in which tests come to need
# them; `go.mod` lists each as a tool.
PACKAGES = {
    "kube-apiserver": f"{_KUBERNETES}/cmd/kube-apiserver",
    "envoy-gateway": f"{_GATEWAY}/cmd/envoy-gateway",
    "egctl": f"{_GATEWAY}/cmd/egctl",
    "kube-controller-manager": f"{_KUBERNETES}/cmd/kube-controller-manager",
    "kube-scheduler": f"{_KUBERNETES}/cmd/kube-scheduler",
    "kubeadm": f"{_KUBERNETES}/cmd/kubeadm",
    "kubectl": f"{_KUBERNETES}/cmd/kubectl",
}
# What the tests of this folder run; etcd is Debian's.
USED = ("kube-apiserver", "envoy-gateway", "egctl")
HOW = "make cluster-tools builds it where there is Go (KUBEBUILDER_ASSETS names built ones)"


def folder() -> Path:
    """Where the programs of the present pins lie."""
    return _cached(_PROGRAMS)


def _cached(names: tuple[str, ...]) -> Path:
    """The folder of what is pinned by these files, named by their content."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    pins = hashlib.sha256()
    for name in names:
        pins.update((_HERE / name).read_bytes())
    return cache / "modelctl" / "cluster-tools" / pins.hexdigest()[:16]


def find(name: str) -> Path | None:
    """A program, or None where it has not been built.

    Where KUBEBUILDER_ASSETS names a folder of built programs, those come first; then what was built
    here; etcd also from PATH.
    """
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    places = [Path(assets) / name] if assets else []
    if found := next((p for p in (*places, folder() / name) if p.is_file()), None):
        return found
    on_path = shutil.which(name) if name not in PACKAGES else None
    return Path(on_path) if on_path else None


def missing(*names: str) -> str:
    """What to say of programs that are not there; empty where all are."""
    absent = [name for name in names if find(name) is None]
    if not absent:
        return ""
    debian = "; Debian's etcd-server has etcd" if "etcd" in absent else ""
    return f"{', '.join(absent)} not found: {HOW}{debian}"


def crds() -> Path | None:
    """The folder of the vendors' CRDs, or None where they have not been fetched."""
    found = _cached(_CRDS) / "crds"
    return found if found.is_dir() else None


@dataclass(frozen=True, slots=True)
class Source:
    """A Go module whose files hold CRDs; `sum` is what `go.sum` would say of it."""

    module: str
    version: str
    sum: str
    files: tuple[str, ...]


def sources() -> Iterator[Source]:
    """The pins of `crds.toml`."""
    text = (_HERE / "crds.toml").read_text(encoding="utf-8")
    for each in tomllib.loads(text)["source"]:
        yield Source(each["module"], each["version"], each["sum"], tuple(each["files"]))


def build(names: tuple[str, ...]) -> int:
    """Build what is missing and fetch CRDs; 0 once all of it is there."""
    go = shutil.which("go")
    if go is None:
        print("found no Go, expected version 1.26 or newer: install it from https://go.dev/dl")
        return 1
    if unknown := [name for name in names if name not in PACKAGES]:
        print(f"found {', '.join(unknown)}, expected names of {', '.join(PACKAGES)}")
        return 1
    folder().mkdir(parents=True, exist_ok=True)
    if crds() is None:
        _fetch_crds(go)
    for name in names:
        if find(name) is None:
            _build(go, name)
    print(folder())
    return 0


def _build(go: str, name: str) -> None:
    package, began = PACKAGES[name], time.monotonic()
    print(f"building {name} from {package}", flush=True)
    made = folder() / f"{name}.new"
    flags = "-s -w"
    if package.startswith(_KUBERNETES):  # its clients ask for the version, and refuse v0.0.0
        version = _version(go, _KUBERNETES)
        major, minor, _ = version.removeprefix("v").split(".")
        told = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
        flags += "".join(f" -X k8s.io/component-base/version.{k}={v}" for k, v in told.items())
    command = [go, "build", "-trimpath", "-ldflags", flags, "-o", str(made), package]
    subprocess.run(command, cwd=_HERE, check=True)
    made.rename(folder() / name)
    print(f"built {name} in {time.monotonic() - began:.0f} s", flush=True)


def _version(go: str, module: str) -> str:
    command = [go, "list", "-m", "-f", "{{.Version}}", module]
    done = subprocess.run(command, cwd=_HERE, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _fetch_crds(go: str) -> None:
    """Copy the vendors' files out of the modules that ship them, whose sums are pinned."""
    made = _cached(_CRDS) / "crds.new"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    for source in sources():
        print(f"fetching CRDs of {source.module} {source.version}", flush=True)
        unpacked = _downloaded(go, source)
        for file in source.files:
            for path in sorted(unpacked.glob(file)):
                shutil.copyfile(path, made / f"{source.module.replace('/', '_')}_{path.name}")
    made.rename(made.with_name("crds"))


def _downloaded(go: str, source: Source) -> Path:
    """The folder of a module; its sum is compared here, so no sum database is asked."""
    command = [go, "mod", "download", "-json", f"{source.module}@{source.version}"]
    with tempfile.TemporaryDirectory() as nowhere:  # in a module, only its own are downloaded
        done = subprocess.run(
            command,
            cwd=nowhere,
            env=os.environ | {"GOSUMDB": "off", "GOFLAGS": "-mod=mod"},
            check=True,
            capture_output=True,
            text=True,
        )
    said = json.loads(done.stdout)
    if said["Sum"] != source.sum:
        raise SystemExit(
            f"{source.module} {source.version}: found the sum {said['Sum']}, expected "
            f"{source.sum} of crds.toml: do not use what was downloaded; ask who publishes it"
        )
    return Path(said["Dir"])


if __name__ == "__main__":
    sys.exit(build(tuple(sys.argv[1:]) or USED))
