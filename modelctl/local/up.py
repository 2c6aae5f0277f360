"""`modelctl up`: put the parts together, run until told to stop, and leave nothing behind."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from modelctl.errors import GitError, UsageError
from modelctl.local import limits
from modelctl.local.ending import take_over
from modelctl.local.engine import Engine
from modelctl.local.envoy.dataplane import Envoy
from modelctl.local.follow import Follower
from modelctl.local.good import GoodStates
from modelctl.local.journal import Journal
from modelctl.local.limits import Needs
from modelctl.local.observe.logtail import tail
from modelctl.local.observe.overview import Overview
from modelctl.local.observe.pages import Sources
from modelctl.local.observe.web import application, serve
from modelctl.local.options import Options, addresses_of, reader_of, source_of
from modelctl.local.room import Room
from modelctl.local.servers.children import Launcher
from modelctl.local.servers.replica import Surroundings
from modelctl.local.servers.supervisor import Supervisor
from modelctl.local.source.protocol import Source
from modelctl.local.source.reading import Reader
from modelctl.local.state import Lock, StateFolder
from modelctl.repo.git import Commit
from modelctl.status.values import EngineStatus

_SHOWN_COMMITS = 20  # of a model, on its page
_END_LIMIT_S = 10.0  # for the loops to end once they were told to
_LOGS_KEPT_S = 14 * 86400  # two weeks: long enough to look into what happened over holidays


def run(options: Options) -> int:
    """Serve until SIGTERM or SIGINT; 0 after an orderly end.

    Raises:
        UsageError: Another one runs on the state folder, or a port is taken, or Envoy fails.
        GitError: The repository cannot be reached.
    """
    folder = StateFolder(options.state.resolve())
    folder.create()
    if options.replace:
        take_over(folder)
    with Lock(folder) as lock:
        source = source_of(options, folder)
        good = None
        if not options.worktree:
            good = GoodStates(folder.good, source.name, options.environment)
        reader = reader_of(options, folder, source, good)
        journal = Journal()
        limits.raise_files()
        _forget_old_logs(folder.logs)
        up = _Up(options, folder, journal, lock, good)
        return asyncio.run(up.serve(source, reader))


class _Up:
    """The parts of one `modelctl up`, and the order in which they start and end."""

    def __init__(
        self,
        options: Options,
        folder: StateFolder,
        journal: Journal,
        lock: Lock,
        good: GoodStates | None,
    ) -> None:
        self._options = options
        self._lock = lock
        self._good = good
        self._folder = folder
        self._journal = journal
        self._launcher = Launcher(folder, lambda words: journal.add("", "error", words))
        ours = [found.pid for found in self._launcher.left()]
        self._room = Room(limits.read(ours=ours))
        self._envoy = Envoy(folder, self._launcher, journal, options.timing)
        wake = asyncio.Event()
        self._supervisor = Supervisor(
            Surroundings(
                folder=folder,
                launcher=self._launcher,
                command=options.command,
                timing=options.timing,
                drained=self._envoy.drained,
                changed=wake.set,
                report=journal.add,
            )
        )
        self._engine = Engine(
            self._envoy,
            self._supervisor,
            journal,
            options.timing,
            wake,
            good=good,
            room=self._room,
        )

    async def serve(self, source: Source, reader: Reader) -> int:
        """Start everything, wait for a signal, end everything in order."""
        stop, leaves = _stop_on_signals(), _leave_on_signal()
        with _listen(self._options.status_port, "--status-port") as page:
            if not self._envoy.adopt(self._options.port):
                if fault := limits.unmet(Needs(), self._room.limits):
                    raise UsageError(fault)
                with _listen(self._options.port, "--port") as free:
                    port: int = free.getsockname()[1]
                await self._envoy.start(port)
            try:
                await self._run(source, reader, page, (stop, leaves))
            finally:
                if leaves.is_set() and not stop.is_set():
                    await self._supervisor.leave()
                    await self._envoy.leave()
                else:
                    await self._envoy.stop()
                    await self._supervisor.stop()
        return 0

    async def _run(
        self,
        source: Source,
        reader: Reader,
        page: socket.socket,
        told: Sequence[asyncio.Event],
    ) -> None:
        """Run the loops until one is told to stop, or fails."""
        options = self._options
        addresses = addresses_of(
            options, self._folder, source, self._envoy.port, page.getsockname()[1]
        )
        follower = Follower(source, reader, self._engine, self._journal, self._good)
        overview = Overview(addresses, self._engine, self._supervisor, self._journal)
        app = application(self._sources(reader, overview))
        loops = (
            *(event.wait() for event in told),
            self._engine.run(),
            follower.run(),
            self._engine.measure(),
            self._keep(overview),
            serve(app, page),
        )
        tasks = [asyncio.ensure_future(loop) for loop in loops]
        self._lock.tell(addresses.page)
        options.announce(addresses)
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=_END_LIMIT_S)

    def _sources(self, reader: Reader, overview: Overview) -> Sources:
        """What the status page shows; whoever looks at it has counters read more often."""

        def looked() -> EngineStatus:
            self._engine.look()
            return overview.status()

        return Sources(
            status=looked,
            commits=lambda model: self._history(reader, model),
            hour=overview.history.of,
            log=lambda model, count: tail(self._folder, model, None, count),
        )

    async def _keep(self, overview: Overview) -> None:
        """Keep the last hour, and keep logs short, as time goes by."""
        while True:
            overview.note_sample()
            self._engine.note_memory()
            self._launcher.shorten_logs()
            await asyncio.sleep(self._options.timing.idle_s)

    async def _history(self, reader: Reader, model: str) -> tuple[Commit, ...]:
        """The last commits of a model; none while the repository cannot be read."""
        if self._engine.targets.seen is None:
            return ()
        try:
            return await asyncio.to_thread(
                reader.history, self._engine.targets.seen.commit.id, model, _SHOWN_COMMITS
            )
        except GitError:
            return ()


def _forget_old_logs(logs: Path) -> None:
    """Drop the logs of servers that ended long ago."""
    for log in logs.iterdir():
        if log.stat().st_mtime < time.time() - _LOGS_KEPT_S:
            log.unlink()


def _stop_on_signals() -> asyncio.Event:
    """An event that the first SIGTERM or SIGINT sets; the second ends the process at once."""
    stop = asyncio.Event()

    def told() -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, told)
    return stop


def _leave_on_signal() -> asyncio.Event:
    """An event that SIGUSR1 sets: another engine takes over what runs."""
    leave = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, leave.set)
    return leave


def _listen(port: int, option: str) -> socket.socket:
    """A listening socket on the loopback interface.

    Raises:
        UsageError: The port cannot be used.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise UsageError(
            f"port {port} of 127.0.0.1 cannot be used ({error.strerror}); "
            f"choose another with {option} PORT, or 0 for any free one"
        ) from error
    return listening
