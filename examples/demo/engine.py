"""The scratch repository and the `modelctl up` that serves it, as the demo drives them."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelctl.local.running import ask
from modelctl.local.state import StateFolder

PROJECT = Path(__file__).parents[2]
WAIT_S = 60.0  # for what never comes: far beyond a busy machine
_POLL_S = 0.02

Status = dict[str, Any]


class DemoError(Exception):
    """The story cannot go on; the message says where it stopped."""


@dataclass(slots=True)
class Scratch:
    """A clone of this repository that the demo may change, and a store for artifacts."""

    folder: Path

    @property
    def repository(self) -> Path:
        """The clone."""
        return self.folder / "repository"

    @property
    def store(self) -> Path:
        """A folder outside the repository, as an object store would be."""
        return self.folder / "store"

    def create(self) -> None:
        """Clone the committed state of this repository."""
        self.store.mkdir()
        clone = ["git", "clone", "--quiet", "--no-hardlinks", str(PROJECT), str(self.repository)]
        subprocess.run(clone, check=True)
        self.git("checkout", "--quiet", "-B", "demo")
        self.git("config", "user.name", "Demo")
        self.git("config", "user.email", "demo@example.com")
        self.git("config", "commit.gpgsign", "false")

    def git(self, *words: str) -> str:
        """Standard output of a git command in the clone."""
        done = subprocess.run(
            ["git", "-C", str(self.repository), *words], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def modelctl(self, *words: str) -> float:
        """Run an editing command with --commit; the monotonic time at which it had committed."""
        command = [sys.executable, "-m", "modelctl", *words, "--commit"]
        done = subprocess.run(
            command, cwd=self.repository, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise DemoError(f"modelctl {' '.join(words)}: {done.stdout}{done.stderr}")
        return time.monotonic()

    def is_clean(self) -> bool:
        """Whether `modelctl check` finds no error."""
        command = [sys.executable, "-m", "modelctl", "check"]
        done = subprocess.run(command, cwd=self.repository, capture_output=True, check=False)
        return done.returncode == 0

    def edit(self, path: str, old: str, new: str, message: str) -> None:
        """Commit a change as a careless person would: by hand, without a check."""
        file = self.repository / path
        text = file.read_text(encoding="utf-8")
        if old not in text:
            raise DemoError(f"{path}: found no {old!r}")
        file.write_text(text.replace(old, new), encoding="utf-8")
        self.git("commit", "--quiet", "--all", "--message", message)

    def remove(self) -> None:
        """Delete everything."""
        shutil.rmtree(self.folder, ignore_errors=True)


class Up:
    """A running `modelctl up`."""

    def __init__(self, scratch: Scratch) -> None:
        self.state = scratch.folder / "state"
        self.port, self.page_port = _free_port(), _free_port()
        self._log = (scratch.folder / "up.log").open("wb")
        command = [
            *(sys.executable, "-m", "modelctl", "up", "--state", str(self.state)),
            *("--port", str(self.port), "--status-port", str(self.page_port)),
        ]
        self.process = subprocess.Popen(
            command, cwd=scratch.repository, stdout=self._log, stderr=self._log
        )

    @property
    def page(self) -> str:
        """URL of the status page."""
        return f"http://127.0.0.1:{self.page_port}/"

    def status(self) -> Status:
        """The status as it is told now; empty before there is one."""
        if self.process.poll() is not None:
            raise DemoError(f"modelctl up ended with {self.process.returncode}: {self._log.name}")
        return dict(ask(StateFolder(self.state)).status)

    def model(self, name: str) -> Status:
        """The status of one model; empty while it has none."""
        models = self.status().get("models", [])
        return next((model for model in models if model["model"] == name), {})

    def release(self, name: str, release: str) -> Status:
        """The status of one release of a model; empty while it has none."""
        releases = self.model(name).get("releases", [])
        return next((entry for entry in releases if entry["release"] == release), {})

    async def until(self, holds: Callable[[], bool], what: str) -> float:
        """Wait until something holds; the monotonic time at which it did."""
        deadline = time.monotonic() + WAIT_S
        while not holds():
            if time.monotonic() > deadline:
                seen = json.dumps(self.status())
                raise DemoError(f"waited {WAIT_S:.0f} s in vain until {what}; last seen: {seen}")
            await asyncio.sleep(_POLL_S)
        return time.monotonic()

    def kill_server(self, workload: str) -> int:
        """Kill one server process of a workload without warning; its process id."""
        records = json.loads((self.state / "processes.json").read_bytes())
        pid: int = next(r["pid"] for r in records if r["name"].startswith(workload))
        os.kill(pid, signal.SIGKILL)
        return pid

    def stop(self) -> int:
        """Ask it to drain and end; its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=WAIT_S)


def new_scratch() -> Scratch:
    """A scratch folder below the system's temporary folder."""
    return Scratch(Path(tempfile.mkdtemp(prefix="modelctl-demo-")))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
