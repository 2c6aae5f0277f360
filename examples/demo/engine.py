"""The `modelctl up` that serves the scratch repository, as the demo starts, asks and harms it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from examples.demo.scratch import DemoError, Scratch
from modelctl.local.running import ask
from modelctl.local.servers import processes
from modelctl.local.state import StateFolder

WAIT_S = 60.0  # for what never comes: far beyond a busy machine
ENVOY = "envoy"
_POLL_S = 0.02

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """The status as it was told once; empty before there is one."""

    status: Json

    @property
    def well(self) -> bool:
        """Whether everything is Synced and Healthy."""
        return bool(self.status.get("well")) and bool(self.status.get("models"))

    def model(self, name: str) -> Json:
        """What is told of one model; empty while it has no status."""
        models = self.status.get("models", ())
        return next((model for model in models if model["model"] == name), {})

    def release(self, name: str, release: str) -> Json:
        """What is told of one release of a model; empty while it has no status."""
        releases = self.model(name).get("releases", ())
        return next((entry for entry in releases if entry["release"] == release), {})

    def has_seen(self, commit: str) -> bool:
        """Whether a commit is the newest that the engine knows."""
        return bool((self.status.get("seen") or {}).get("id") == commit)

    def is_synced(self, name: str, commit: str) -> bool:
        """Whether a commit was taken as a whole, and a model is what it says."""
        is_taken = (self.status.get("synced") or {}).get("id") == commit
        return self.has_seen(commit) and is_taken and self.model(name).get("sync") == "Synced"


class Up:
    """A running `modelctl up`."""

    def __init__(self, scratch: Scratch) -> None:
        self.state = scratch.state
        self.port = 0
        self.page = ""
        self._log = scratch.folder / "up.log"
        self._repository = scratch.repository
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, on ports that are free; an Envoy that is left keeps the one it has."""
        places = ("--state", str(self.state), "--port", "0", "--status-port", "0")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "modelctl", "up", *places],
                cwd=self._repository,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo, which ends it in order
            )

    def view(self) -> View:
        """The status as it is told now.

        Raises:
            DemoError: It has ended.
        """
        if self._process is not None and self._process.poll() is not None:
            words = self._log.read_text(encoding="utf-8", errors="replace")[-1000:]
            raise DemoError(f"modelctl up ended with {self._process.returncode}: {words}")
        view = View(ask(StateFolder(self.state)).status)
        if addresses := view.status.get("addresses"):
            self.port = urlsplit(addresses["traffic"]).port or 0
            self.page = addresses["page"]
        return view

    async def until(self, holds: Callable[[View], bool], what: str) -> View:
        """Wait until something holds of the status; gives that status.

        Raises:
            DemoError: It does not come to hold.
        """
        deadline = time.monotonic() + WAIT_S
        while not holds(view := await asyncio.to_thread(self.view)):
            if time.monotonic() > deadline:
                raise DemoError(f"waited {WAIT_S:.0f} s in vain until {what}; {view.status}")
            await asyncio.sleep(_POLL_S)
        return view

    def pids(self) -> dict[str, int]:
        """Envoy and the model servers, by name."""
        return {each.name: each.pid for each in processes.found(self.state) if each.leads}

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the first process whose name begins so."""
        pids = self.pids()
        os.kill(pids[min(each for each in pids if each.startswith(name))], number)

    def kill(self) -> None:
        """Kill the engine alone, without warning."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def wait(self) -> int:
        """Wait for its end; the exit code."""
        return self._process.wait() if self._process else 0

    def stop(self) -> int:
        """Ask it to drain and end; its exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(timeout=WAIT_S)
        except subprocess.TimeoutExpired:
            return -1
