"""Ends processes that an earlier `modelctl up` started and could not end.

Each has a record: its id, and the time it started. On Linux it must also carry the state folder in
its environment. So a program that has been given the same id since then is never touched.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from modelctl.atomic import write_atomically
from modelctl.local.state import StateFolder, read_json

MARKER = "MODELCTL_STATE"  # the environment variable that names the state folder
_PROC = Path("/proc/self/stat")
_PATIENCE_S = 3.0  # between SIGTERM and SIGKILL
_STARTED_FIELD = 21  # of /proc/<pid>/stat, counted from 0


@dataclass(frozen=True, slots=True)
class Record:
    """A process that was started, told apart from any later one with the same id."""

    pid: int
    started: str
    name: str


def started(pid: int) -> str | None:
    """When a process started, as the system tells it; None if there is no such process."""
    if _PROC.exists():
        return _started_on_linux(pid)
    done = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or None


def _started_on_linux(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field, the name in parentheses, may itself hold spaces and parentheses.
    state, *fields = stat[stat.rindex(")") + 2 :].split()
    return None if state in "ZX" else fields[_STARTED_FIELD - 3]


def save(folder: StateFolder, records: Iterable[Record]) -> None:
    """Write down the processes that run.

    Raises:
        OSError: The file cannot be written.
    """
    content = json.dumps([asdict(record) for record in records], indent=1)
    write_atomically(folder.processes, content.encode())


def end_all(folder: StateFolder) -> list[Record]:
    """End every recorded process that still runs; gives the records of those."""
    left = [record for record in _load(folder) if _is_ours(record, folder)]
    for record in left:
        _signal(record, signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and any(map(_runs, left)):
        time.sleep(0.02)
    for record in filter(_runs, left):
        _signal(record, signal.SIGKILL)
    return left


def _load(folder: StateFolder) -> list[Record]:
    saved = read_json(folder.processes)
    items = saved if isinstance(saved, list) else []
    return [record for item in items if (record := _record(item)) is not None]


def _record(item: object) -> Record | None:
    if not isinstance(item, Mapping):
        return None
    pid, start, name = item.get("pid"), item.get("started"), item.get("name")
    if isinstance(pid, int) and pid > 1 and isinstance(start, str) and isinstance(name, str):
        return Record(pid, start, name)
    return None


def _runs(record: Record) -> bool:
    return started(record.pid) == record.started


def _is_ours(record: Record, folder: StateFolder) -> bool:
    if not _runs(record):
        return False
    if not _PROC.exists():
        return True
    try:
        environment = Path(f"/proc/{record.pid}/environ").read_bytes()
    except OSError:
        return False
    return f"{MARKER}={folder.root}".encode() in environment.split(b"\0")


def _signal(record: Record, number: signal.Signals) -> None:
    """Signal the process group that the process leads; it may have ended meanwhile."""
    with contextlib.suppress(OSError):
        os.killpg(record.pid, number)
