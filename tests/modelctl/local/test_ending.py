"""`modelctl down`: ends an engine in order, and what one that was killed has left."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine_kit import Repo, Up
from modelctl.errors import UsageError
from modelctl.local import ending
from modelctl.local.servers import processes
from modelctl.local.state import StateFolder

# Holds the lock of a state folder and does not listen to SIGTERM.
STUCK = """
import signal, sys, time
from pathlib import Path
from modelctl.local.state import Lock, StateFolder
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with Lock(StateFolder(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(600)
"""


def down(state: Path) -> subprocess.CompletedProcess[str]:
    """`modelctl down`."""
    return subprocess.run(
        [sys.executable, "-m", "modelctl", "down", "--state", str(state)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_running_engine(own_repo: Repo, tmp_path: Path) -> None:
    """A running engine ends in order, which is told; nothing of it is left."""
    up = Up(own_repo.root, tmp_path / "state")
    up.until_well()

    done = down(up.state)

    assert 0 == done.returncode
    assert done.stdout.startswith(f"ended modelctl up (process {up.process.pid}) after ")
    assert 0 == up.wait()
    assert [] == processes.found(up.state)


def test_what_a_killed_engine_left(own_repo: Repo, tmp_path: Path) -> None:
    """What a killed engine left is ended and told by name."""
    up = Up(own_repo.root, tmp_path / "state")
    up.until_well()
    left = up.pids()
    up.process.kill()
    up.wait()

    done = down(up.state)

    assert 0 == done.returncode
    assert {f"ended {name} (process {pid})" for name, pid in left.items()} == {
        line.partition(",")[0] for line in done.stdout.splitlines()
    }
    assert [] == processes.found(up.state)


@pytest.mark.parametrize("exists", [True, False])
def test_nothing_runs(tmp_path: Path, exists: bool) -> None:  # noqa: FBT001
    """Where nothing runs that is said, and well."""
    state = tmp_path / "state"
    if exists:
        StateFolder(state).create()

    done = down(state)

    assert (0, f"nothing runs on {state}\n") == (done.returncode, done.stdout)


def test_stuck_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that does not end in time is killed, and that is told."""
    monkeypatch.setattr(ending, "_LIMIT_S", 0.1)
    folder = StateFolder(tmp_path)
    folder.create()
    with subprocess.Popen(
        [sys.executable, "-c", STUCK, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as stuck:
        assert stuck.stdout is not None
        assert "held\n" == stuck.stdout.readline()

        (told,) = ending.end(folder)

        assert told.startswith("killed, after 0.1 s in vain, modelctl up")
        assert -9 == stuck.wait()


def test_unknown_holder(tmp_path: Path) -> None:
    """A lock that names nobody is an error that says where."""
    folder = StateFolder(tmp_path)
    folder.create()
    with subprocess.Popen(
        [sys.executable, "-c", STUCK, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert "held\n" == holder.stdout.readline()
        folder.lock.write_text("who?")

        with pytest.raises(UsageError, match=r"lock is held by a process that it does not name"):
            list(ending.end(folder))
        holder.kill()
