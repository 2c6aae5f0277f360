"""Child processes: each in a session of its own, ended with this process, logged to a file."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from modelctl.local.servers import launch, leftovers
from modelctl.local.servers.leftovers import MARKER, Record
from modelctl.local.state import StateFolder

_LOG_LIMIT_BYTES = 5_000_000  # one older part of the same size is kept beside it
_TAIL_BYTES = 8192  # of a log: where its last words are looked for
_WORDS = 400  # characters of them, so that a message stays readable


class Child:
    """One running program."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, start: int) -> None:
        self._process = process
        self._log = log
        self._start = start
        self.pid = process.pid
        self.started = time.time()

    def memory_bytes(self) -> int:
        """The memory that the program has in use now; 0 where that cannot be told."""
        with contextlib.suppress(OSError):
            pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
            return int(pages) * os.sysconf("SC_PAGE_SIZE")
        return 0

    async def wait(self) -> int:
        """The exit code once the program has ended; negative for a signal."""
        return await self._process.wait()

    def terminate(self) -> None:
        """Ask the program to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the program at once; nothing if it has ended."""
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

    def last_words(self) -> str:
        """Why the program ended, as far as it said: its last error, or else its last line."""
        with contextlib.suppress(OSError), self._log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = self._start if self._start <= size else 0
            file.seek(max(start, size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
            return last_words([line.strip() for line in lines if line.strip()])[:_WORDS]
        return ""

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:  # else its id may be another's by now
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)


def last_words(lines: Sequence[str]) -> str:
    """The last error of a structured log, as text; without one, the last line as it is."""
    for line in reversed(lines):
        fields = _fields(line)
        if fields.get("level") == "error":
            words = (fields.get(key) for key in ("error", "detail"))
            return ": ".join(str(word) for word in words if word) or str(fields.get("event", line))
    return lines[-1] if lines else ""


def _fields(line: str) -> Mapping[str, object]:
    """The fields of a log line in JSON; none of any other line."""
    try:
        fields = json.loads(line)
    except ValueError:
        return {}
    return fields if isinstance(fields, Mapping) else {}


def ending(code: int) -> str:
    """How a program ended, from its exit code."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


class Launcher:
    """Starts programs, keeps their records in the state folder and their logs within bounds."""

    def __init__(self, folder: StateFolder, complain: Callable[[str], None]) -> None:
        self._folder = folder
        self._complain = complain
        self._running: dict[Record, Path] = {}

    async def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> Child:
        """Start `command`, whose first word is an absolute path.

        Raises:
            OSError: The log cannot be written, or no process can be made.
        """
        log = self._folder.logs / f"{name}.log"
        _shorten(log)
        with log.open("ab") as output:
            start = output.tell()
            wrapped = (sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), *command)
            process = await asyncio.create_subprocess_exec(
                *wrapped,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**environment, MARKER: str(self._folder.root)},
                start_new_session=True,
            )
        record = Record(process.pid, leftovers.started(process.pid) or "", name)
        self._running[record] = log
        self._save()
        return Child(process, log, start)

    def forget(self, child: Child) -> None:
        """Drop the record of a program that has ended."""
        self._running = {r: log for r, log in self._running.items() if r.pid != child.pid}
        self._save()

    def shorten_logs(self) -> None:
        """Keep every log of a running program within bounds."""
        for log in self._running.values():
            _shorten(log)

    def _save(self) -> None:
        try:
            leftovers.save(self._folder, self._running)
        except OSError as error:
            self._complain(f"{self._folder.processes} cannot be written: {error.strerror}")


def _shorten(log: Path) -> None:
    """Move a long log aside, once, and empty it in place: programs append to it meanwhile."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > _LOG_LIMIT_BYTES:
            log.with_suffix(".log.1").write_bytes(log.read_bytes())
            os.truncate(log, 0)
