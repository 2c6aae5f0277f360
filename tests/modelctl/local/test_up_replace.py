"""`modelctl up` that takes over from another one: what runs goes on, and nothing is lost."""

import os
import subprocess
import sys
from pathlib import Path

from engine_kit import Load, Repo, Up, running


def test_replace(own_repo: Repo, tmp_path: Path) -> None:
    """`up --replace` takes over Envoy and servers under load, and not one request fails."""
    state = tmp_path / "state"
    first = Up(own_repo.root, state)
    first.until_well()
    before = first.pids()
    with Load(first.port) as load:
        first.until(lambda _: load.answered > 100)
        with running(own_repo.root, state, "--replace") as second:
            assert 0 == first.wait()
            second.until_well()
            assert (first.port, before) == (second.port, second.pids())
            served = load.answered
            second.until(lambda _: load.answered > served + 100)

            shifted = own_repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2")
            second.until_well(shifted)
            second.until_well(own_repo.serve({"r1": 50, "r2": 50}).commit("apps/linear: Shift"))
            second.until(lambda _: load.releases["r2"] > 20)
            load.__exit__()

    assert [] == load.failures


def test_killed_engine_loses_nothing(own_repo: Repo, tmp_path: Path) -> None:
    """While no engine runs, and when the next one takes over, every request is answered."""
    state = tmp_path / "state"
    first = Up(own_repo.root, state)
    first.until_well()
    before = first.pids()
    with Load(first.port) as load:
        first.until(lambda _: load.answered > 100)
        first.process.kill()
        first.wait()
        with running(own_repo.root, state) as second:
            second.until_well()
            assert (first.port, before) == (second.port, second.pids())
            served = load.answered
            second.until(lambda _: load.answered > served + 100)
            load.__exit__()

    assert [] == load.failures


def test_nobody_to_replace(own_repo: Repo, tmp_path: Path) -> None:
    """With nobody to take over from, `--replace` begins as ever."""
    with running(own_repo.root, tmp_path / "state", "--replace") as up:
        up.until_well()


def test_one_that_does_not_leave(tmp_path: Path) -> None:
    """A process that holds the lock and cannot be told to leave is named."""
    state = tmp_path / "state"
    state.mkdir()
    holds = (
        "import sys, time; from pathlib import Path; "
        "from modelctl.local.state import Lock, StateFolder\n"
        "with Lock(StateFolder(Path(sys.argv[1]))): print(); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holds, str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        (state / "lock").write_text(" " * 200)
        done = subprocess.run(
            [sys.executable, "-m", "modelctl", "up", "--replace", "--state", str(state)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ,
        )
        holder.communicate("")

    assert 2 == done.returncode
    assert "is held by a process that it does not name" in done.stderr
