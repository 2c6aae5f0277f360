"""Programs that the engine runs: started or taken over, logged to files, and waited for.

Each leads a session of its own, so that a terminal's Ctrl-C reaches the engine alone, and nothing
ties its life to the engine's: an engine that is killed leaves its programs at work, and the next
one takes them over.

Source: posix_spawn(3), pidfd_open(2).
"""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import psutil

from modelctl.local import limits
from modelctl.local.servers import logs, processes, words
from modelctl.local.servers.logs import Log
from modelctl.local.servers.processes import PROCESS, STATE, Found
from modelctl.local.state import StateFolder

_NULL = Path(os.devnull)
# What Python ignores, and a program that it starts should not: as `subprocess` does.
_RESTORED = (signal.SIGPIPE, signal.SIGXFSZ)


class Child:
    """One running program; `adopted` tells that an earlier engine has started it."""

    def __init__(self, found: Found, log: Log, *, adopted: bool) -> None:
        self.pid = found.pid
        self.name = found.name
        self.started = _started(found)
        self.environment = found.environment
        self.adopted = adopted
        self._found = found
        self._log = log
        self._killed = False
        self._memory_kills = limits.memory_kills()
        self._loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int | None] = self._loop.create_future()
        self._descriptor = -1
        self._watch()

    async def wait(self) -> int | None:
        """The exit code once the program has ended; negative for a signal, None if unknown."""
        return await asyncio.shield(self.exited)

    def terminate(self) -> None:
        """Ask the program to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the program at once; nothing if it has ended."""
        self._killed = True
        self._signal(signal.SIGKILL)

    async def end(self, grace_s: float) -> None:
        """Ask the program to end, and kill it if it has not after `grace_s`."""
        self.terminate()
        try:
            async with asyncio.timeout(grace_s):
                await self.wait()
        except TimeoutError:
            self.kill()
            await self.wait()

    def release(self) -> None:
        """Leave the program alone from now on, running or not."""
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
        self.exited.cancel()

    def last_words(self) -> str:
        """Why the program ended, as far as it said: its last error, or else its last line."""
        code = self.exited.result() if self.exited.done() and not self._killed else None
        return words.last_words(self._log.tail(), code)

    def obituary(self) -> str:
        """How and why the program ended by itself, in one line."""
        code = self.exited.result()
        why = self._memory_ran_out() if code == -signal.SIGKILL else self.last_words()
        return f"{words.ending(code)}{': ' if why else ''}{why}"

    def memory_bytes(self) -> int:
        """The memory that the program has in use now; 0 once it has ended."""
        with suppress(psutil.Error):
            found: int = self._found.process.memory_info().rss
            return found
        return 0

    def _memory_ran_out(self) -> str:
        """Whether the kernel has killed the program for memory, as far as it counts that."""
        before, after = self._memory_kills, limits.memory_kills()
        if before is None or after is None:
            return "not by modelctl; the kernel does so when memory runs out (see dmesg)"
        if after == before:
            return "neither by modelctl nor by the kernel for want of memory"
        return (
            f"by the kernel, because memory ran out (oom_kill was {before}, is {after}): "
            "run fewer replicas, or give this machine or its container more memory"
        )

    def _signal(self, number: signal.Signals) -> None:
        if self.exited.done():  # its id may be another's by now
            return
        if self.adopted:
            self._found.signal(number)
        else:
            with suppress(OSError):
                os.killpg(self.pid, number)

    def _watch(self) -> None:
        """Be told by the kernel when the program ends; where it cannot, by a thread that waits."""
        if sys.platform == "linux":
            try:
                self._descriptor = os.pidfd_open(self.pid)
            except ProcessLookupError:
                self.exited.set_result(None)
                return
            if self._found.runs() or not self.adopted:
                self._loop.add_reader(self._descriptor, self._ended)
            else:
                self._ended()
        else:
            threading.Thread(target=self._await, daemon=True).start()

    def _ended(self) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)
        self._descriptor = -1
        self._note(self._reaped())

    def _reaped(self) -> int | None:
        if self.adopted:
            return None
        try:
            return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        except ChildProcessError:  # somebody else in this process was told
            return None

    def _await(self) -> None:
        code: int | None = None
        with suppress(psutil.Error):
            code = self._found.process.wait()
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._note, code)

    def _note(self, code: int | None) -> None:
        if not self.exited.done():
            self.exited.set_result(code)


def _started(found: Found) -> float:
    """When a program started, in seconds since 1970; now, if it has ended before it was asked."""
    with suppress(psutil.Error):
        return float(found.process.create_time())
    return time.time()


class Launcher:
    """Starts programs and takes over those of an earlier run; keeps their logs within bounds."""

    def __init__(self, folder: StateFolder, complain: Callable[[str], None]) -> None:
        self._folder = folder
        self._complain = complain
        self._running: dict[int, Path] = {}
        self._left: list[Found] | None = None

    async def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> Child:
        """Start `command`, whose first word is an absolute path.

        Raises:
            OSError: No process can be made, or there is no such program.
        """
        self.left()  # what is started from here on is not left from an earlier run
        environment = {**environment, STATE: str(self._folder.root), PROCESS: name}
        log, output = self._log(name)
        with output:
            pid = _spawn(command, environment, output)
        try:
            process = psutil.Process(pid)
            found = Found(process, name, True, tuple(command), environment)  # noqa: FBT003
            child = Child(found, log, adopted=False)
        except BaseException:  # nothing would ever end it
            _undo(pid)
            raise
        self._running[pid] = log.path
        return child

    def left(self) -> list[Found]:
        """The programs of an earlier run that run on, and that nobody has adopted."""
        if self._left is None:
            self._left = processes.found(self._folder.root)
        return [each for each in self._left if each.runs()]

    def adopt(self, name: str, matches: Callable[[Found], bool]) -> Child | None:
        """Take over the program of this name that an earlier run left, if it is the right one."""
        for found in self.left():
            if found.leads and found.name == name and matches(found):
                return self.take(found)
        return None

    def take(self, found: Found) -> Child:
        """Look after a program that an earlier run left."""
        self._left = [each for each in self._left or () if each is not found]
        path = logs.path_of(self._folder, found.name)
        self._running[found.pid] = path
        size = path.stat().st_size if path.exists() else 0
        return Child(found, Log(path, size), adopted=True)

    def forget(self, child: Child) -> None:
        """Let a program go that has ended, or is left to run on."""
        child.release()
        self._running.pop(child.pid, None)

    def shorten_logs(self) -> None:
        """Keep every log of a running program within bounds."""
        for path in self._running.values():
            logs.shorten(path)

    def _log(self, name: str) -> tuple[Log, BinaryIO]:
        """Where the output goes; nowhere if its file cannot be made: that keeps nothing down."""
        path = logs.path_of(self._folder, name)
        try:
            return logs.begin(path)
        except OSError as error:
            self._complain(f"{name} runs without a log: {path}: {error.strerror}")
            return logs.begin(_NULL)


def _spawn(command: Sequence[str], environment: Mapping[str, str], output: BinaryIO) -> int:
    """The id of a new process that leads a session and writes to `output`."""
    return os.posix_spawn(
        command[0],
        list(command),
        environment,
        file_actions=(
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, output.fileno(), 1),
            (os.POSIX_SPAWN_DUP2, output.fileno(), 2),
            *((os.POSIX_SPAWN_CLOSE, file) for file in _inherited()),
        ),
        setsid=True,
        setsigdef=_RESTORED,
        setsigmask=(),
    )


def _inherited() -> list[int]:
    """The open files that a program would keep open for as long as it lives, such as locks."""
    found: list[int] = []
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - numbers, not paths
        with suppress(OSError):  # the folder itself, which is closed by now
            if int(name) > 2 and os.get_inheritable(int(name)):  # noqa: PLR2004 - standard error
                found.append(int(name))
    return found


def _undo(pid: int) -> None:
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
