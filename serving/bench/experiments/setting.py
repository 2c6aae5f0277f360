"""What every experiment is given, and what several of them need."""

import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from serving.bench.contestant import Contestant
from serving.bench.layouts import Layout
from serving.bench.models import ModelFile
from serving.bench.processes import Tree
from serving.bench.serve import Served, serving

SAMPLE_S = 0.1
MB = 1_000_000


@dataclass(frozen=True)
class Setting:
    """One contestant with one model on its core; `seconds` is how long load lasts."""

    contestant: Contestant
    file: ModelFile
    layout: Layout
    python: Path
    seconds: int

    def served(self) -> AbstractContextManager[Served]:
        """The contestant while it serves. Raises `ContestantError`."""
        return serving(self.contestant, self.file, self.layout, self.python)

    def encoding(self) -> str:
        """The leanest encoding the contestant takes."""
        return "binary" if "binary" in self.contestant.dialects() else "json"


@dataclass
class Memory:
    """Samples a tree's RSS in bytes as long as the context lasts."""

    tree: Tree
    samples: list[int] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._done.wait(SAMPLE_S):
            self.samples.append(self.tree.usage().rss_bytes)


@contextmanager
def pinned(cores: tuple[int, ...]) -> Iterator[None]:
    """The calling thread on these cores only: a probe must not wait for the server's core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
