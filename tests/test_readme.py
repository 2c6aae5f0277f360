"""Every command that the README shows is run, in its order, in a scratch copy."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scratch import PROJECT, copy_project, git, init
from waiting import PATIENCE_S, until

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ON_HOSTS = re.compile(r"^```shell\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CONTINUED = re.compile(r"\\\n\s*")
PORTS = (8080, 8081)

# Run by `.ci/run` itself, or what made the environment that this test runs in.
ELSEWHERE = {"make demo", "make test", "make setup", "source .venv/bin/activate"}


def commands() -> list[str]:
    """The README's commands in order, comments stripped."""
    text = (PROJECT / "README.md").read_text()
    lines = "\n".join(CONTINUED.sub(" ", block) for block in BLOCK.findall(text)).splitlines()
    return [stripped for line in lines if (stripped := line.split("  #")[0].strip())]


def test_ci_runs_the_two_commands() -> None:
    """The commands that this test leaves out are the ones that CI runs as they stand."""
    ci = (PROJECT / ".ci" / "run").read_text().splitlines()

    assert {"step demo", "step test"} <= set(ci)
    assert ELSEWHERE <= set(commands())


def test_commands_for_hosts_name_what_exists() -> None:
    """Commands that need hosts, and so are not run here, name playbooks of this tree."""
    text = "\n".join(ON_HOSTS.findall((PROJECT / "README.md").read_text()))
    playbooks = re.findall(r"playbooks/\S+\.yml", text)

    assert playbooks
    assert [] == [path for path in playbooks if not (PROJECT / path).is_file()]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A scratch repository that holds what this one holds now."""
    copy_project(tmp_path)
    init(tmp_path)
    return tmp_path


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment of an activated virtual environment."""
    folder = Path(sys.executable).parent
    return os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.fixture
def up(copy: Path, environment: dict[str, str]) -> Iterator[None]:
    """`modelctl up` in the scratch repository, healthy."""
    if "modelctl up" not in commands():
        pytest.fail("the README no longer says `modelctl up`")
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                pytest.skip(f"port {port}, which the README's commands use, is in use here")
    with (
        (copy.parent / "up.log").open("w") as log,
        subprocess.Popen(["modelctl", "up"], cwd=copy, env=environment, stderr=log) as process,
    ):
        try:
            wait_until_healthy(copy, environment)
            yield
        finally:
            process.terminate()
            assert process.wait(PATIENCE_S) == 0


def wait_until_healthy(copy: Path, environment: dict[str, str]) -> None:
    """Wait until `modelctl status` says that everything is Synced and Healthy."""
    until(
        lambda: run("modelctl status", copy, environment),
        lambda status: status.returncode == 0,
        shown=lambda status: status.stdout + status.stderr,
    )


def run(
    command: str, copy: Path, environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    """One shell command in the scratch repository."""
    return subprocess.run(
        ["bash", "-c", command],
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.mark.usefixtures("up")
def test_every_command_works(copy: Path, environment: dict[str, str]) -> None:
    """From serving the samples to re-pointing them, each shown command succeeds."""
    if shutil.which("curl") is None:
        pytest.skip("curl, which the README's commands use, is not installed here")
    failed = []
    for command in commands():
        if command in ELSEWHERE or command == "modelctl up":
            continue
        done = run(command, copy, environment)
        if done.returncode or '"error"' in done.stdout:
            failed.append(f"{command}\n{done.stdout}{done.stderr}")
        git(copy, "add", "--all")
        git(copy, "commit", "--quiet", "--allow-empty", "--message", "apps: Keep the result")

    assert failed == []


def test_the_tree_in_the_readme_is_true() -> None:
    """Every path of the README's tables and links exists."""
    text = (PROJECT / "README.md").read_text()
    named = re.findall(r"^\| `([^`<]+)`", text, re.MULTILINE) + re.findall(r"\]\(([\w/.]+)\)", text)

    missing = [path for path in named if "<" not in path and not (PROJECT / path).exists()]
    assert [path for path in missing if "/" in path or "." in path] == []
