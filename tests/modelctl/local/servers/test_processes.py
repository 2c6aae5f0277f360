"""Processes of a state folder: found by their environment, and only those ended."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modelctl.local.servers.processes import PROCESS, STATE, end, found

SLEEP = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


@contextmanager
def left_over(
    root: Path, code: str = SLEEP, *, name: str | None = "m-r1-1", leads: bool = True
) -> Iterator[subprocess.Popen[str]]:
    """A process as `modelctl up` starts them, for a state folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {STATE: str(root)} | ({PROCESS: name} if name else {}),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=leads,
    )
    with process:
        assert process.stdout is not None
        assert "up\n" == process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_found(tmp_path: Path) -> None:
    """A process of the folder is found, with its name, command and environment."""
    with left_over(tmp_path) as process:
        (left,) = found(tmp_path)

        assert (process.pid, "m-r1-1", True) == (left.pid, left.name, left.leads)
        assert (sys.executable, "-c", SLEEP) == left.command
        assert str(tmp_path) == left.environment[STATE]


def test_others_are_not_found(tmp_path: Path) -> None:
    """A process of another folder, or one that has no name within this one, is nobody's here."""
    with left_over(tmp_path / "other"), left_over(tmp_path, name=None):
        assert [] == found(tmp_path)


def test_ended_process(tmp_path: Path) -> None:
    """A process that is gone, or waits to be reaped, neither is found nor runs."""
    with left_over(tmp_path) as process:
        (left,) = found(tmp_path)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        assert [] == found(tmp_path)
        assert not left.runs()
        end([left])
    assert not left.runs()


@pytest.mark.parametrize("code", [SLEEP, STUBBORN])
@pytest.mark.parametrize("leads", [True, False])
def test_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, leads: bool) -> None:  # noqa: FBT001
    """Processes are ended, also one that does not listen, and one whose starter is gone."""
    monkeypatch.setattr("modelctl.local.servers.processes._PATIENCE_S", 0.2)
    with left_over(tmp_path, code, leads=leads):
        (left,) = found(tmp_path)
        assert leads is left.leads

        end([left])

        assert not left.runs()


def test_another_process_with_the_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has the id of ours, but started at another time, is not touched."""
    with left_over(tmp_path) as process:
        (left,) = found(tmp_path)
        monkeypatch.setattr(type(left.process), "is_running", lambda _: False)

        end([left])

        assert process.poll() is None
