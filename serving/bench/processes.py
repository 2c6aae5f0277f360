"""Processes of a contestant: started on given cores, measured as a tree, ended as a tree."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from serving.bench.errors import ContestantError

PROC = Path("/proc")
PR_SET_CHILD_SUBREAPER = 36
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
POLL_S = 0.02
QUIET_WINDOW_S, QUIET_SHARE, QUIET_LIMIT_S = 0.2, 0.25, 10


@dataclass(frozen=True)
class Command:
    """What to start, and what its environment has beyond the harness's own."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Usage:
    """Memory of a tree of processes.

    `held_bytes` counts pages that several processes share once (their PSS), but never less than
    the RSS of the largest process: what others on the machine happen to map as well (the
    harness uses the same library files as some contestants) is counted in full.
    """

    processes: int
    rss_bytes: int
    held_bytes: int


@dataclass(frozen=True)
class Stat:
    """One line of ``/proc/<pid>/stat``, the fields used here."""

    parent: int
    session: int
    cpu_s: float


class Tree:
    """One started command and everything it starts; leaving the context ends all of them."""

    def __init__(self, command: Command, *, cores: tuple[int, ...], folder: Path) -> None:
        adopt_orphans()
        self.log = folder / "log.txt"
        self.cores = cores
        with self.log.open("wb") as log:
            self._root = subprocess.Popen(
                ["taskset", "--cpu-list", ",".join(map(str, cores)), *command.arguments],
                cwd=folder,
                env=os.environ | command.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def members(self) -> list[int]:
        """Process numbers of the tree, orphans included: the harness adopts them.

        What the harness runs beside the tree (the load client) shares the harness's session.
        """
        known, own = stats(), os.getsid(0)
        return [pid for pid in descendants(known, os.getpid()) if known[pid].session != own]

    def require_alive(self) -> None:
        """Raise `ContestantError` with the end of the log if the command has ended."""
        if self._root.poll() is not None:
            raise ContestantError(f"ended with {self._root.returncode}; {self.last_words()}")

    def require_pinned(self) -> None:
        """Raise `ContestantError` if any thread may run beside the given cores."""
        for pid in self.members():
            if _has_ended(pid):  # and nobody has asked how
                continue
            for thread in _threads(pid):
                with contextlib.suppress(ProcessLookupError):
                    found = os.sched_getaffinity(thread)
                    if not found <= set(self.cores):
                        raise ContestantError(
                            f"thread {thread} may run on cores {sorted(found)}, expected "
                            f"{list(self.cores)}: the figures would not compare"
                        )

    def last_words(self) -> str:
        """The end of the log, on one line."""
        text = self.log.read_text(errors="replace").strip()
        return f"its log ends: {' | '.join(text.splitlines()[-3:])[-600:]}"

    def usage(self) -> Usage:
        """Memory of the tree now."""
        pairs = [memory(pid) for pid in self.members()]
        rss = [rss for rss, _ in pairs]
        pss = [pss for _, pss in pairs]
        return Usage(len(pairs), sum(rss), max(sum(pss), *rss, 0))

    def cpu_s(self) -> float:
        """CPU seconds that the tree's living processes have used."""
        known = stats()
        return sum(known[pid].cpu_s for pid in self.members() if pid in known)

    def own_cpu_s(self) -> float:
        """The same of the command's own session alone, where other trees run beside this one."""
        return sum(each.cpu_s for each in stats().values() if each.session == self._root.pid)

    def wait_until_quiet(self) -> None:
        """Return when the tree uses little of a core, or after `QUIET_LIMIT_S`.

        The client leaves requests behind when it ends; servers work them off all the same.
        """
        deadline = time.perf_counter() + QUIET_LIMIT_S
        while time.perf_counter() < deadline:
            before_s = self.cpu_s()
            time.sleep(QUIET_WINDOW_S)
            if self.cpu_s() - before_s < QUIET_SHARE * QUIET_WINDOW_S:
                return

    def stop(self, *, patience_s: float = 15) -> float | None:
        """Ask the command to end; the seconds it took, None if it had to be killed."""
        began = time.perf_counter()
        if self._root.poll() is None:
            self._root.send_signal(signal.SIGTERM)
        while self._living():
            if time.perf_counter() - began > patience_s:
                self._kill()
                return None
            time.sleep(POLL_S)
        return time.perf_counter() - began

    def _living(self) -> list[int]:
        self._root.poll()
        for pid in self.members():
            if pid != self._root.pid:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
        return self.members()

    def _kill(self) -> None:
        while living := self._living():
            for pid in living:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(POLL_S)


def adopt_orphans() -> None:
    """Make this process the parent of whatever its descendants leave behind."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def stats() -> dict[int, Stat]:
    """Every process of the machine."""
    found = {}
    for path in PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            found[int(path.parent.name)] = parse_stat(path.read_text())
    return found


def parse_stat(line: str) -> Stat:
    """The fields of one line; the command's name may hold spaces and brackets."""
    fields = line[line.rindex(")") + 2 :].split()
    return Stat(int(fields[1]), int(fields[3]), (int(fields[11]) + int(fields[12])) / TICKS_PER_S)


def descendants(known: Mapping[int, Stat], root: int) -> list[int]:
    """`root` and all below it that are known."""
    children: dict[int, list[int]] = {}
    for pid, stat in known.items():
        children.setdefault(stat.parent, []).append(pid)
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def memory(pid: int) -> tuple[int, int]:
    """RSS and PSS of one process in bytes; zeros when it has just ended."""
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0, 0
    held = {name: rest.split()[0] for name, _, rest in (line.partition(":") for line in lines[1:])}
    return int(held["Rss"]) * 1024, int(held["Pss"]) * 1024


def _has_ended(pid: int) -> bool:
    """Whether nothing of a process is left but its exit code."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def _threads(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(path.name) for path in (PROC / str(pid) / "task").iterdir()]
    return []
