"""Which cores the server and the load client run on."""

import os
from dataclasses import dataclass

from serving.bench.errors import BenchError

CORES = 2
"""Used whatever the machine has, so that tables from different machines mean the same."""


TITLES = {
    "one-core": "server on one core, client on the other",
    "both-cores": f"{CORES} workers, both cores shared with the client",
}


@dataclass(frozen=True)
class Layout:
    """Cores by number, and how many workers a server is asked for."""

    name: str
    server_cores: tuple[int, ...]
    client_cores: tuple[int, ...]
    workers: int


def layouts(cores: list[int]) -> dict[str, Layout]:
    """The layouts by name, on the first two of `cores`. Raises `BenchError` when one is missing."""
    if len(cores) < CORES:
        raise BenchError(
            f"found {len(cores)} usable core, expected {CORES}: one for the server and one for "
            "the load client; allow this process more cores (see taskset)"
        )
    first, second = cores[:CORES]
    both = (first, second)
    return {
        "one-core": Layout("one-core", (first,), (second,), workers=1),
        "both-cores": Layout("both-cores", both, both, workers=CORES),
    }


def usable_cores() -> list[int]:
    """Numbers of the cores that this process may run on."""
    return sorted(os.sched_getaffinity(0))
