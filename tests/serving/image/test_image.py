"""The built image, run as a pod runs it: read-only root, no privileges, only /tmp writable.

`make image` builds it and runs these tests; they need root, for chroot and mounts.
"""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

IMAGE = os.environ.get("MODELSERVER_IMAGE", "")
ARTIFACT = Path(__file__).parents[3] / "examples" / "artifacts" / "linear" / "r2.onnx"
GOLDEN = ARTIFACT.with_name("r2.golden.json")
START_TIMEOUT_S = 60

pytestmark = pytest.mark.skipif(not IMAGE, reason="MODELSERVER_IMAGE names no image: make image")

# $1: the image's root, $2: the artifacts' folder, $3: user:group; then the process with its
# environment in front, as env(1) takes it.
POD = """
set -e
root=$1 artifacts=$2 user=$3; shift 3
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mkdir "$root/tmp/artifacts"
mount --bind -o ro "$artifacts" "$root/tmp/artifacts"
exec env -i "$@"
"""


def buildah(*arguments: str) -> str:
    """What a buildah command prints."""
    finished = subprocess.run(["buildah", *arguments], check=True, capture_output=True, text=True)
    return finished.stdout.strip()


@dataclass(frozen=True)
class Image:
    """The image's unpacked root file system and its configuration."""

    root: Path
    config: dict[str, Any]

    def command(self, settings: dict[str, str]) -> list[str]:
        """The command line that runs the image's entry point with more environment."""
        environment = [*self.config["Env"], *(f"{k}={v}" for k, v in settings.items())]
        user = self.config["User"]
        chroot = shutil.which("chroot") or "/usr/sbin/chroot"
        start = [chroot, f"--userspec={user}", "--groups=", str(self.root)]
        pod = ["unshare", "--mount", "sh", "-c", POD, "pod", str(self.root), str(ARTIFACT.parent)]
        return [*pod, user, *environment, *start, *self.config["Entrypoint"]]


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The image, unpacked for the time of the tests."""
    container = buildah("from", "--pull-never", IMAGE)
    inspected = json.loads(buildah("inspect", "--type=image", IMAGE))
    yield Image(Path(buildah("mount", container)), inspected["OCIv1"]["config"])
    buildah("rm", container)


def settings(port: int) -> dict[str, str]:
    """The server's environment for the second release of the linear model."""
    tensors = {"inputs": "x", "outputs": "y"}
    contract = {
        side: [{"name": name, "datatype": "FP32", "shape": [-1, 1]}]
        for side, name in tensors.items()
    }
    values = {
        "MODEL": "linear",
        "RELEASE": "r2",
        "ARTIFACT_URI": f"file:{ARTIFACT.name}",
        "ARTIFACT_ROOT": "/tmp/artifacts",  # noqa: S108  # a mount of this test
        "ARTIFACT_SHA256": hashlib.sha256(ARTIFACT.read_bytes()).hexdigest(),
        "ARTIFACT_BYTES": str(ARTIFACT.stat().st_size),
        "GOLDEN_URI": f"file:{GOLDEN.name}",
        "GOLDEN_SHA256": hashlib.sha256(GOLDEN.read_bytes()).hexdigest(),
        "CONTRACT": json.dumps(contract),
        "PROVIDERS": "cpu",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "CACHE_DIR": "/tmp/cache",  # noqa: S108  # inside the pod's own /tmp
        "DRAIN_DELAY_S": "0",
    }
    return {f"MODELSERVER_{name}": value for name, value in values.items()}


def free_port() -> int:
    """A port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ready(url: str) -> bool:
    """Whether the server says that it serves."""
    try:
        with urllib.request.urlopen(f"{url}/v2/health/ready", timeout=1) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture
def server(image: Image) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A ready server's address, and its process."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(image.command(settings(port))) as process:
        try:
            deadline = time.monotonic() + START_TIMEOUT_S
            while not ready(url):
                assert process.poll() is None, "the server ended before it was ready"
                assert time.monotonic() < deadline, f"not ready after {START_TIMEOUT_S} s"
                time.sleep(0.05)
            yield url, process
        finally:
            process.terminate()


def test_server_answers_from_a_read_only_image(
    server: tuple[str, subprocess.Popen[bytes]],
) -> None:
    """It verifies its artifact, replays the golden cases, becomes ready, and predicts y = 2x."""
    url, _ = server
    body = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 1], "data": [3.0]}]}
    request = urllib.request.Request(  # noqa: S310  # always http
        f"{url}/v2/models/linear/infer",
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )

    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        (output,) = json.load(answer)["outputs"]

    assert pytest.approx([6.0], abs=0.1) == output["data"]


def test_server_runs_as_nobody_and_ends_on_sigterm(
    server: tuple[str, subprocess.Popen[bytes]],
) -> None:
    """The process has a numeric user without name or privileges, and SIGTERM ends it with 0."""
    _, process = server
    status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    fields = {key: value.split() for key, value in (line.split(":", 1) for line in status)}

    process.terminate()

    assert ["65532"] * 4 == fields["Uid"] == fields["Gid"]
    assert ["0000000000000000"] == fields["CapEff"]
    assert process.wait(timeout=START_TIMEOUT_S) == 0


def test_image_has_no_tools(image: Image) -> None:
    """Nothing in it opens a shell, installs a package or compiles: less to patch and to misuse."""
    tools = ("sh", "bash", "dash", "busybox", "apt", "dpkg", "pip", "pip3", "gcc", "cc", "perl")
    folders = ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "opt")

    found = [
        path.relative_to(image.root)
        for folder in folders
        for path in (image.root / folder).rglob("*")
        if path.name in tools
    ]

    assert found == []


def test_image_names_its_packages(image: Image) -> None:
    """Scanners find the version of every Debian package where they look for it."""
    entries = list((image.root / "var/lib/dpkg/status.d").iterdir())

    assert {"libc6", "python3.13-minimal", "ca-certificates"} <= {entry.name for entry in entries}
    assert all("\nVersion: " in entry.read_text() for entry in entries)


def test_image_is_compiled(image: Image) -> None:
    """Python code comes compiled: a read-only root could not keep what a start compiles."""
    sources = list(image.root.rglob("modelserver/*.py"))

    assert sources
    assert all(list(path.parent.glob(f"__pycache__/{path.stem}.*.pyc")) for path in sources)
