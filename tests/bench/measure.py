"""Rounds of all cases, each command a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cases import Case, Words
from tests.scratch import PROJECT

_CLOCK = Path(__file__).with_name("clocked.py")


@dataclass(frozen=True, slots=True)
class Usage:
    """What commands took: processor and wall seconds in all, and the largest process's memory."""

    cpu_s: float
    wall_s: float
    peak_bytes: int


Rounds = Mapping[str, Sequence[Usage]]  # by the title of a case


def make(folder: Path, repositories: Mapping[str, Words]) -> None:
    """Make every repository, each by a process of its own."""
    for name, arguments in repositories.items():
        print(f"bench: making {name}", file=sys.stderr)
        command = [sys.executable, "-m", "tests.bench.make", str(folder / name), *arguments]
        subprocess.run(command, cwd=PROJECT, check=True)


def measure(folder: Path, cases: Sequence[Case], *, rounds: int, warm_up: bool) -> Rounds:
    """So many rounds of the cases, forwards and backwards in turn.

    With a warm-up a first round, which fills the caches, is not counted.
    """
    found: dict[str, list[Usage]] = {case.title: [] for case in cases}
    for number in range(0 if warm_up else 1, rounds + 1):
        print(f"bench: round {number} of {rounds}", file=sys.stderr)
        for case in cases if number % 2 else reversed(cases):
            usage = _usage(folder / case.repository, case, folder)
            if number:
                found[case.title].append(usage)
    return found


def _usage(repository: Path, case: Case, folder: Path) -> Usage:
    if case.before:
        subprocess.run(case.before, cwd=repository, check=True)
    used = [_clocked(command, repository, folder) for command in case.commands]
    if case.after:
        subprocess.run(case.after, cwd=repository, check=True)
    return _sum(used)


def _clocked(command: Words, repository: Path, folder: Path) -> Usage:
    """What one command took, with its bytecode at hand and nobody's configuration of git."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "GIT_CONFIG_NOSYSTEM": "1"}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(
        [sys.executable, "-S", str(_CLOCK), *command],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command[:4]} ended with {done.returncode}: {done.stderr}"
    return Usage(**json.loads(done.stdout))


def _sum(used: Iterable[Usage]) -> Usage:
    used = list(used)
    peak = max(usage.peak_bytes for usage in used)
    return Usage(sum(usage.cpu_s for usage in used), sum(usage.wall_s for usage in used), peak)
