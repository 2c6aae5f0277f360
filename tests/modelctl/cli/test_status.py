"""`modelctl status` asks the engine; what it cannot say, it does not claim."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelctl.local.running import ask, is_ready
from modelctl.local.state import Lock, StateFolder
from told_status import telling

WELL = {
    "well": True,
    "sync": "Synced",
    "addresses": {"environment": "local"},
    "models": [
        {"model": "m", "releases": [{"release": "r1", "ready": 1, "replicas": 1}]},
    ],
}


def status(state: Path) -> tuple[int, dict[str, object]]:
    """Exit code and JSON of the command."""
    done = subprocess.run(
        [sys.executable, "-m", "modelctl", "status", "--state", str(state), "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, json.loads(done.stdout)


def test_well(tmp_path: Path) -> None:
    """What the engine says now is told, with 0 where all is well."""
    with telling(tmp_path, WELL):
        code, told = status(tmp_path)

    assert 0 == code
    assert {**WELL, "running": True} == told


def test_not_well(tmp_path: Path) -> None:
    """An engine that says that something is wrong ends the command with 1."""
    with telling(tmp_path, {**WELL, "well": False}):
        assert 1 == status(tmp_path)[0]


def test_not_running(tmp_path: Path) -> None:
    """Without an engine the command says how to start one, whatever an earlier one has left."""
    with telling(tmp_path, WELL):
        pass
    (tmp_path / "status.json").write_text(json.dumps(WELL))

    code, told = status(tmp_path)

    assert (2, False, False) == (code, told["running"], told["well"])
    assert f"modelctl up is not running on {tmp_path}; start it with: modelctl up" == told["fault"]


def test_starting(tmp_path: Path) -> None:
    """An engine that has no page yet is starting."""
    with Lock(StateFolder(tmp_path)):
        code, told = status(tmp_path)

    assert (2, True, False) == (code, told["running"], told["well"])
    assert "is starting" in str(told["fault"])


@pytest.mark.parametrize(
    ("content", "code", "why"),
    [
        (b"{", 200, "Expecting property name"),
        (b"[]", 200, "expected 200 with a JSON object"),
        (b"{}", 503, "found status 503"),
    ],
)
def test_another_answer(tmp_path: Path, content: bytes, code: int, why: str) -> None:
    """Something that is no status is not taken for one."""
    with telling(tmp_path, content, code) as page:
        answer = ask(StateFolder(tmp_path))

    assert answer.status == {}
    assert f"does not answer on {page}" in answer.fault
    assert why in answer.fault


def test_nothing_listens(tmp_path: Path) -> None:
    """An engine whose page is gone is not well."""
    with Lock(StateFolder(tmp_path)) as lock:
        lock.tell("http://127.0.0.1:1")
        code, told = status(tmp_path)

    assert (2, False) == (code, told["well"])
    assert "Connection refused" in str(told["fault"])


def test_silence(tmp_path: Path) -> None:
    """An engine that takes the question and never answers is given up after a bound."""
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        Lock(StateFolder(tmp_path)) as lock,
    ):
        lock.tell(f"http://127.0.0.1:{silent.getsockname()[1]}")
        answer = ask(StateFolder(tmp_path), patience_s=0.05)

    assert answer.is_running
    assert "does not answer" in answer.fault
    assert f"process {os.getpid()}" in answer.fault


ENGINE = (
    "import sys, time; from pathlib import Path; from told_status import telling\n"
    "with telling(Path(sys.argv[1]), b'{\"well\": true}'): print(flush=True); time.sleep(600)\n"
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that holds the state folder and says that all is well."""
    with subprocess.Popen(
        [sys.executable, "-c", ENGINE, str(tmp_path)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_stopped(tmp_path: Path, engine: "subprocess.Popen[bytes]") -> None:
    """An engine that is stopped says nothing, and the command does not say that all is well."""
    assert 0 == status(tmp_path)[0]
    engine.send_signal(signal.SIGSTOP)

    code, told = status(tmp_path)

    assert (2, False) == (code, told["well"])
    assert "It may be stopped, or hang" in str(told["fault"])


def test_killed(tmp_path: Path, engine: "subprocess.Popen[bytes]") -> None:
    """An engine that was killed is not running."""
    engine.kill()
    engine.wait()

    code, told = status(tmp_path)

    assert (2, False, False) == (code, told["running"], told["well"])


@pytest.mark.parametrize(
    ("environment", "release", "ready"),
    [("local", "r1", True), ("local", "r2", False), ("prod", "r1", None)],
)
def test_a_release_is_ready(
    tmp_path: Path, environment: str, release: str, *, ready: bool | None
) -> None:
    """Whether a release serves here, the engine says; None where it runs another environment."""
    with telling(tmp_path, WELL):
        assert ready is is_ready(tmp_path, "m", release, environment)


def test_nobody_says_that_a_release_is_ready(tmp_path: Path) -> None:
    """An engine that does not answer has nothing ready; without one, nobody knows."""
    assert is_ready(tmp_path, "m", "r1", "local") is None
    with Lock(StateFolder(tmp_path)):
        assert is_ready(tmp_path, "m", "r1", "local") is False
