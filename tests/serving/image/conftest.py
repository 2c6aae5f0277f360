"""The image that was built last, pulled from a registry by its digest into a store of its own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import registries

FOLDER = os.environ.get("MODELSERVER_IMAGE_FOLDER", "")

# A mount namespace of its own, with nothing but cgroup v2: the runtime refuses a host that has
# both versions, although no cgroup is made here.
ONE_CGROUP_VERSION = """
set -e
mount --make-rprivate /
umount --recursive --lazy /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 none /sys/fs/cgroup
exec "$@"
"""


@dataclass(frozen=True)
class Podman:
    """podman with a store of its own, and the reference of the image by digest."""

    store: Path
    reference: str

    def command(self, *arguments: str) -> list[str]:
        """A command line."""
        flags = [f"--root={self.store}/root", f"--runroot={self.store}/run"]
        flags += ["--storage-driver=vfs", "--cgroup-manager=cgroupfs"]
        wrapped = ["unshare", "--mount", "sh", "-c", ONE_CGROUP_VERSION, "podman", "podman"]
        return [*wrapped, *flags, *arguments]

    def output(self, *arguments: str) -> str:
        """What a command prints."""
        finished = subprocess.run(
            self.command(*arguments), check=False, capture_output=True, text=True
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout.strip()


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a registry that has the image which was built last."""
    if not FOLDER:
        pytest.skip("MODELSERVER_IMAGE_FOLDER names no built image: make image")
    if shutil.which("podman") is None:
        pytest.skip("podman is missing: apt-get install podman")
    folder = tmp_path_factory.mktemp("registry")
    with registries.registry(folder, Path(FOLDER).resolve() / "registry") as address:
        yield address


@pytest.fixture(scope="session")
def podman(registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """Podman that has pulled the image by its digest."""
    store = tmp_path_factory.mktemp("podman")
    digest = (Path(FOLDER) / "digest").read_text().strip()
    found = Podman(store, f"{registry}/modelserver@{digest}")
    found.output("pull", "--quiet", "--tls-verify=false", found.reference)
    yield found
    shutil.rmtree(store)


@pytest.fixture(scope="session")
def root(podman: Podman) -> Path:
    """The image's file system."""
    container = podman.output("create", "--cgroups=disabled", podman.reference)
    return Path(podman.output("mount", container))
