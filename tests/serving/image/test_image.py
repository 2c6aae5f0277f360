"""The built image, started from a registry by its digest, as a pod starts it.

Its root is read-only, it has no capability and no network, gains no privilege, and a seccomp filter
bounds its system calls. `make image` builds it and runs these tests; they need root and podman.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

import pytest

from modelserver.errors import ArtifactDigestWrong, ProviderMissing
from tests.serving.artifact.stores import s3
from tests.serving.image import sample
from tests.serving.image.conftest import FOLDER, Podman

START_TIMEOUT_S = 60
MAX_BYTES = 350_000_000

HARDENED = (
    "--read-only",
    "--read-only-tmpfs=false",
    "--tmpfs=/tmp:rw,mode=1777",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    # What a pod has anyway, and what keeps the runtime within the limits of this process.
    "--cgroups=disabled",
    "--ulimit=nofile=1024:1024",
    "--ulimit=nproc=1024:1024",
)

# Asks from inside the container's network, which has a loopback interface and nothing else.
ASK = """
import sys, urllib.request
url, body = sys.argv[1], sys.argv[2].encode() or None
request = urllib.request.Request(url, body, {"content-type": "application/json"})
with urllib.request.urlopen(request, timeout=10) as answer:
    sys.stdout.write(answer.read().decode())
"""


@dataclass(frozen=True)
class Container:
    """One running container, its first process and what podman was started for it."""

    podman: subprocess.Popen[bytes]
    pid: int

    def ask(self, path: str, body: str = "") -> str:
        """The answer to a request from inside. Raises CalledProcessError where there is none."""
        url = f"http://127.0.0.1:{sample.PORT}{path}"
        inside = ["nsenter", f"--net=/proc/{self.pid}/ns/net"]
        finished = subprocess.run(
            [*inside, sys.executable, "-c", ASK, url, body],
            check=True,
            capture_output=True,
            text=True,
        )
        return finished.stdout

    def status(self) -> dict[str, list[str]]:
        """What the kernel says of the process."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return {key: value.split() for key, value in (line.split(":", 1) for line in lines)}


def command(
    podman: Podman,
    pid_file: Path,
    *,
    network: str = "none",
    environment: Mapping[str, str] = MappingProxyType({}),
    **settings: str,
) -> list[str]:
    """What starts a container of the sample; `settings` without the prefix."""
    chosen = {
        **sample.settings(),
        **environment,
        **{f"MODELSERVER_{name}": text for name, text in settings.items()},
    }
    return podman.command(
        *("run", "--rm", f"--pidfile={pid_file}", f"--network={network}", *HARDENED),
        *(f"--env={name}={value}" for name, value in chosen.items()),
        f"--volume={sample.ARTIFACT.parent}:/artifacts:ro",
        podman.reference,
    )


@pytest.fixture
def container(podman: Podman, tmp_path: Path) -> Iterator[Container]:
    """A container whose server is ready."""
    pid_file = tmp_path / "pid"
    with subprocess.Popen(command(podman, pid_file)) as process:
        try:
            yield started(process, pid_file)
        finally:
            process.terminate()


def started(process: subprocess.Popen[bytes], pid_file: Path) -> Container:
    """The container once it is ready."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        assert process.poll() is None, "the container ended before it was ready"
        assert time.monotonic() < deadline, f"not ready after {START_TIMEOUT_S} s"
        if pid_file.exists() and (text := pid_file.read_text().strip()):
            found = Container(process, int(text))
            try:
                found.ask("/v2/health/ready")
            except subprocess.CalledProcessError:
                pass
            else:
                return found
        time.sleep(0.1)


def test_server_answers_from_a_read_only_image(container: Container) -> None:
    """It verifies its artifact, replays the golden cases, becomes ready, and predicts y = 2x."""
    body = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 1], "data": [3.0]}]}
    answer = json.loads(container.ask("/v2/models/linear/infer", json.dumps(body)))
    (output,) = answer["outputs"]
    mounts = Path(f"/proc/{container.pid}/mountinfo").read_text().splitlines()
    (root_options,) = [line.split()[5] for line in mounts if line.split()[4] == "/"]

    assert pytest.approx([6.0], abs=0.1) == output["data"]
    assert "ro" in root_options.split(",")


def test_server_reads_a_bucket(podman: Podman, tmp_path: Path) -> None:
    """The image as it is built has what artifacts of `s3:` need."""
    (tmp_path / "s3").mkdir()
    with s3(tmp_path / "s3", sample.ARTIFACT.read_bytes()) as store:
        finished = subprocess.run(
            command(
                podman,
                tmp_path / "pid",
                network="host",
                environment=store.environment,
                ARTIFACT_URI=store.uri,
                HOST="127.0.0.1",
                PORT="0",
                GOLDEN_SHA256="0" * 64,  # what follows the artifact, so that the start ends
            ),
            check=False,
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT_S,
        )
    (failed,) = [line for line in finished.stderr.splitlines() if "start-failed" in line]

    assert ArtifactDigestWrong.exit_code == finished.returncode, finished.stderr
    assert "r2.golden.json" in json.loads(failed)["detail"]


def test_server_has_no_privileges(container: Container) -> None:
    """A numeric user, no capability, none to be had, and a seccomp filter."""
    status = container.status()
    capabilities = {status[name][0] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}

    assert ["65532"] * 4 == status["Uid"] == status["Gid"]
    assert {"0000000000000000"} == capabilities
    assert ["1"] == status["NoNewPrivs"]
    assert ["2"] == status["Seccomp"]


def test_server_ends_on_sigterm(container: Container) -> None:
    """The runtime's SIGTERM reaches the server, which ends with 0."""
    container.podman.terminate()

    assert container.podman.wait(timeout=START_TIMEOUT_S) == 0


def test_server_does_not_fall_back_to_the_cpu(podman: Podman, tmp_path: Path) -> None:
    """Asked for a GPU where the container has none, it ends with the class that says so."""
    finished = subprocess.run(
        command(podman, tmp_path / "pid", PROVIDERS="cuda"),
        check=False,
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT_S,
    )
    lines = [json.loads(line) for line in finished.stderr.splitlines()]
    (failure,) = [line for line in lines if line["event"] == "start-failed"]

    assert ProviderMissing.exit_code == finished.returncode
    assert ProviderMissing.__name__ == failure["error"]


def test_image_has_no_tools(root: Path) -> None:
    """Nothing in it opens a shell, installs a package or compiles: less to patch and to misuse."""
    tools = ("sh", "bash", "dash", "busybox", "apt", "dpkg", "pip", "pip3", "gcc", "cc", "perl")
    folders = ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "opt")

    found = [
        path.relative_to(root)
        for folder in folders
        for path in (root / folder).rglob("*")
        if path.name in tools
    ]

    assert found == []


def test_image_is_small(root: Path) -> None:
    """All its files together stay below the size that a node should have to fetch."""
    if any((root / "opt/modelserver").glob("onnxruntime_gpu-*.dist-info")):
        pytest.skip("CUDA's libraries in the image for GPUs are larger by themselves")
    files = (path.lstat() for path in root.rglob("*") if not path.is_symlink())

    assert sum(status.st_size for status in files) <= MAX_BYTES


def test_image_names_its_packages(root: Path) -> None:
    """Scanners find the version of every Debian package where they look for it."""
    entries = list((root / "var/lib/dpkg/status.d").iterdir())

    assert {"libc6", "python3.13-minimal", "ca-certificates"} <= {entry.name for entry in entries}
    assert all("\nVersion: " in entry.read_text() for entry in entries)


def test_image_is_compiled(root: Path) -> None:
    """Python code comes compiled: a read-only root could not keep what a start compiles."""
    sources = list(root.rglob("modelserver/**/*.py"))

    assert sources
    assert all(list(path.parent.glob(f"__pycache__/{path.stem}.*.pyc")) for path in sources)


def test_image_has_its_bill_of_materials(root: Path) -> None:
    """It is in the image, the same as the one outside, and names every package with its hash."""
    inside = (root / "usr/share/sbom/modelserver.cdx.json").read_text()
    components = json.loads(inside)["components"]
    packages = {
        f"pkg:deb/debian/{quote(entry.name)}"
        for entry in (root / "var/lib/dpkg/status.d").iterdir()
    }
    packages |= {
        f"pkg:pypi/{re.sub('[-_.]+', '-', folder.name.partition('-')[0]).lower()}"
        for folder in (root / "opt/modelserver").glob("*.dist-info")
    }

    assert inside == (Path(FOLDER) / "modelserver.cdx.json").read_text()
    assert packages == {each["purl"].partition("@")[0] for each in components}
    assert all(each["hashes"] for each in components)
