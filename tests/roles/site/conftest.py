"""Four hosts in containers for the whole-of-site tests; skipped where podman is missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("ansible_runner", reason="Ansible is not installed: make setup-roles")

from roles.cluster.process import start
from roles.site.site_kit import ROOT, TESTS, Node, Site

BUILD = Path(os.environ.get("MODELCTL_ROLES_BUILD", ROOT / ".modelctl" / "roles"))
NODES = (
    Node("cp1", ("control_plane",)),
    Node("cp2", ("control_plane",)),
    Node("worker1", ("workers",)),
    Node("gpu1", ("workers", "gpu"), gpus=8, switches=4),
)
FIRST = ["cp1", "gpu1", "worker1"]
LATER = "1.36.4"
SOONER = "1.36.3"


def _podman() -> tuple[str, ...]:
    """Podman, with the wrapper of crun that a hybrid cgroup host needs."""
    mounts = Path("/proc/self/mounts").read_text()
    if "/sys/fs/cgroup/unified cgroup2" not in mounts:
        return ("podman",)
    return ("podman", "--runtime", str(TESTS / "images" / "crun"))


def _build(module: str) -> None:
    command = [sys.executable, "-m", module]
    subprocess.run(command, check=True, cwd=TESTS, env={**os.environ, "PYTHONPATH": str(TESTS)})


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The hosts, the cluster's API and the inventory of the first three."""
    if shutil.which("podman") is None or os.geteuid() != 0:
        pytest.skip("the site needs root and podman: apt-get install podman")
    for module in ("harness.images", "harness.repository"):
        _build(module)
    folder = tmp_path_factory.mktemp("site")
    cluster = start(folder / "cluster")
    prefix = f"{os.environ.get('MODELCTL_NODES_PREFIX', '')}site-"
    image, repository = "localhost/modelctl-debian12:latest", BUILD / "repository"
    made = Site(folder, image, repository, prefix, cluster, NODES, _podman())
    made.locked["kubernetes"] = SOONER
    for node in NODES:
        made.create(node)
    made.write_inventory(FIRST)
    yield made
    for node in NODES:
        made.remove(node)
    cluster.stop()
