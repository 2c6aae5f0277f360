"""Processes left over from an earlier run: only the verified ones are ended."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modelctl.local.servers.leftovers import MARKER, Record, end_all, save, started
from modelctl.local.state import StateFolder

SLEEP = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    """A state folder that exists."""
    found = StateFolder(tmp_path)
    found.create()
    return found


@contextmanager
def left_over(marker: Path, code: str = SLEEP) -> Iterator[subprocess.Popen[str]]:
    """A process as `modelctl up` starts them, for a state folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {MARKER: str(marker)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        assert process.stdout is not None
        assert "up\n" == process.stdout.readline()
        yield process
        process.kill()


def record(process: subprocess.Popen[str], *, start: str | None = None) -> Record:
    """The record of a process, perhaps with another start time."""
    return Record(process.pid, start or started(process.pid) or "", "server")


@pytest.mark.parametrize("code", [SLEEP, STUBBORN])
def test_ours_is_ended(folder: StateFolder, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """A process of this folder is ended, also one that does not listen."""
    monkeypatch.setattr("modelctl.local.servers.leftovers._PATIENCE_S", 0.2)
    with left_over(folder.root, code) as process:
        save(folder, [record(process)])

        ended = end_all(folder)

        assert [process.pid] == [item.pid for item in ended]
        assert process.wait() < 0


def test_another_process_with_the_id(folder: StateFolder) -> None:
    """A process that has the id of ours, but started at another time, is not touched."""
    with left_over(folder.root) as process:
        save(folder, [record(process, start="1")])

        assert [] == end_all(folder)
        assert process.poll() is None


def test_process_of_another_folder(folder: StateFolder, tmp_path: Path) -> None:
    """A process that another state folder started is not touched."""
    with left_over(tmp_path / "other") as process:
        save(folder, [record(process)])

        assert [] == end_all(folder)
        assert process.poll() is None


def test_ended_process(folder: StateFolder) -> None:
    """A record of a process that is gone, or waits to be reaped, is nothing to end."""
    with left_over(folder.root) as process:
        before = record(process)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        save(folder, [before])

        assert [] == end_all(folder)
    assert started(before.pid) is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[1]",
        json.dumps([{"pid": 1, "started": "1", "name": "init"}]),
        json.dumps([{"pid": "7", "started": "1", "name": "x"}]),
    ],
)
def test_malformed_records(folder: StateFolder, content: str) -> None:
    """Records that make no sense are passed over."""
    folder.processes.write_text(content)

    assert [] == end_all(folder)
