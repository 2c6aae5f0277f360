"""A repository, the `modelctl up` that follows it, and what a walk may do to both.

Every action ends when the world is well again, as far as it should be; an action that waits in vain
fails the walk, so that nothing is stuck unseen.
"""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime as ort
import psutil

from engine_kit import MODEL, Repo, Up
from scratch import git
from tests.chaos.ledger import Fault, Ledger, Split
from waiting import until

RELEASES = ("r1", "r2")
_REPLICAS = 2
_LONGEST_STOP_S = 6.0  # a process stands still this long at most
_WHOLE = 100


def oracle(root: Path) -> Mapping[str, ort.InferenceSession]:
    """A session of ONNX Runtime for each release."""
    folder = root / f"examples/artifacts/{MODEL}"
    return {name: ort.InferenceSession(folder / f"{name}.onnx") for name in RELEASES}


@dataclass(frozen=True, slots=True)
class Served:
    """What git says: the weight of each release, and which is stable."""

    weights: Mapping[str, int]
    stable: str

    def having_share(self) -> frozenset[str]:
        """The releases that requests reach by weight."""
        return frozenset(release for release, weight in self.weights.items() if weight)


@dataclass(slots=True)
class World:
    """Everything that a walk acts upon."""

    folder: Path
    chance: random.Random
    ledger: Ledger = field(default_factory=Ledger)
    served: Served = Served({"r1": _WHOLE}, "r1")
    port: int = 0
    repo: Repo = field(init=False)
    up: Up = field(init=False)

    def begin(self) -> None:
        """Make the repository, and serve it."""
        (self.folder / "repo").mkdir()
        self.repo = Repo(self.folder / "repo")
        self._write(self.served)
        self.repo.commit("apps/linear: Begin")
        self.start_up()
        self.until_well()

    def start_up(self, *words: str) -> None:
        """Start `modelctl up`; after the first time on the port that callers know."""
        self.up = Up(self.repo.root, self.folder / "state", *words, port=self.port)
        self.port = self.up.port

    def until_well(self) -> None:
        """Wait until the engine says that all is well at HEAD, and a request is answered."""
        head = git(self.repo.root, "rev-parse", "HEAD").strip()
        self.up.until_well(head)
        until(self.up.answers)

    def apply(self, served: Served, subject: str) -> None:
        """Commit what is to be served, wait for it, and note how fast it was followed."""
        entering = served.having_share() - self.served.having_share()
        self._end_split()
        self._write(served)
        self.repo.commit(f"apps/linear: {subject}")
        committed = time.monotonic()
        self.until_well()
        self.served = served
        self.ledger.splits.append(Split(served.having_share(), time.monotonic()))
        if entering:
            first = until(lambda: self._first(entering, committed))
            self.ledger.followed_s.append(first - committed)

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        """Something is broken within the block; afterwards all must become well."""
        self._end_split()
        fault = Fault(name, time.monotonic())
        self.ledger.faults.append(fault)
        yield
        self.until_well()
        fault.ended = time.monotonic()
        self.ledger.note_outage(fault)
        self.ledger.splits.append(Split(self.served.having_share(), fault.ended))

    def stop_for_a_while(self, pid: int) -> None:
        """Let a process stand still, as one on a machine that swaps, and go on."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
        time.sleep(self.chance.uniform(0.5, _LONGEST_STOP_S))
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    def kill(self, pid: int) -> None:
        """End a process without a word."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def processes(self) -> dict[str, int]:
        """The processes that were started on the state folder, by name."""
        marker = str((self.folder / "state").resolve())
        found: dict[str, int] = {}
        for process in psutil.process_iter():
            try:
                environment = process.environ()
            except psutil.Error:
                continue
            if environment.get("MODELCTL_STATE") == marker:
                found[environment.get("MODELCTL_PROCESS", "")] = process.pid
        return found

    def a_server(self) -> int:
        """Some model server."""
        servers = {n: pid for n, pid in self.processes().items() if n != "envoy"}
        return servers[self.chance.choice(sorted(servers))]

    def envoy(self) -> int:
        """Envoy."""
        return self.processes()["envoy"]

    def commit_broken(self) -> None:
        """Commit weights that add up to 105; they have to be refused."""
        self.repo.serve({**self.served.weights, "r1": 105}, stable="r1", replicas=_REPLICAS)
        bad = self.repo.commit("apps/linear: Shift too much")
        self.up.until(lambda s: s["seen"]["id"] == bad and s["sync"] == "OutOfSync")

    def revert(self) -> None:
        """Take the last commit back."""
        git(self.repo.root, "revert", "--no-edit", "HEAD")

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Leave no byte on the disk of the state folder within the block."""
        filler = self.folder / "state" / "filler"
        with filler.open("wb") as file, suppress(OSError):
            while True:
                file.write(bytes(1 << 20))
                file.flush()
        yield
        filler.unlink()

    def _write(self, served: Served) -> None:
        self.repo.serve(dict(served.weights), stable=served.stable, replicas=_REPLICAS)

    def _end_split(self) -> None:
        """From now on the split may change."""
        if self.ledger.splits:
            self.ledger.splits[-1].ended = min(self.ledger.splits[-1].ended, time.monotonic())

    def _first(self, releases: frozenset[str], since: float) -> float | None:
        """When the first answer by one of these releases came after a moment."""
        answers = (r for r in list(self.ledger.requests) if r.release in releases)
        return min((request.ended for request in answers if request.ended >= since), default=None)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[bool]:
    """A file system of its own at a folder; False where that is not allowed."""
    folder.mkdir(exist_ok=True)
    mounted = (
        shutil.which("mount") is not None
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)],
            capture_output=True,
            check=False,
        ).returncode
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def predicted(session: ort.InferenceSession, given: np.ndarray) -> np.ndarray:
    """What ONNX Runtime makes of an input."""
    found: np.ndarray = session.run(None, {"x": given})[0]
    return found
