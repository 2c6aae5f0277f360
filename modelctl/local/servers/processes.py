"""The processes of a state folder, found by what their environment says.

Nothing is written down about them: an engine that was killed could not, and a full disk would not
let it. A process is ours if it is this user's and its environment names the state folder; that it
is still the same one, and no later one with its id, its start time tells.
"""

import os
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

STATE = "MODELCTL_STATE"  # the environment variable that names the state folder
PROCESS = "MODELCTL_PROCESS"  # and the one that names the process within it
_PATIENCE_S = 3.0  # between SIGTERM and SIGKILL


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A running process that an engine of this state folder has started.

    `leads` tells whether it is what was started, rather than left behind by that.
    """

    process: psutil.Process
    name: str
    leads: bool
    command: tuple[str, ...]
    environment: Mapping[str, str]

    @property
    def pid(self) -> int:
        """Its id; another process may have it once this one has ended."""
        return self.process.pid

    def runs(self) -> bool:
        """Whether it still runs."""
        with suppress(psutil.Error):
            return self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE
        return False

    def signal(self, number: signal.Signals) -> None:
        """Signal it, and with it whatever it has started; nothing if it has ended."""
        if self.runs():
            with suppress(OSError):
                if self.leads:
                    os.killpg(self.pid, number)
                else:
                    os.kill(self.pid, number)


def found(root: Path) -> list[Found]:
    """The processes that engines of a state folder have started, in the order of their start."""
    return sorted(_found(root), key=lambda each: (each.process.create_time(), each.pid))


def _found(root: Path) -> Iterator[Found]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):  # it has ended meanwhile, or is somebody else's
            if process.pid == os.getpid() or process.uids().real != os.getuid():
                continue
            environment = process.environ()
            if environment.get(STATE) == str(root) and PROCESS in environment:
                yield Found(
                    process,
                    environment[PROCESS],
                    os.getsid(process.pid) == process.pid,
                    tuple(process.cmdline()),
                    environment,
                )


def end(these: Iterable[Found]) -> None:
    """End processes, all at once: asked first, and by force where that does not help."""
    left = list(these)
    for each in left:
        each.signal(signal.SIGTERM)
    handles = [each.process for each in left]
    psutil.wait_procs(handles, timeout=_PATIENCE_S)
    for each in left:
        each.signal(signal.SIGKILL)
    psutil.wait_procs(handles, timeout=_PATIENCE_S)
