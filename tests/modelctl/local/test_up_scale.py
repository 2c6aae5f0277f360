"""`modelctl up` with more releases than Envoy could watch files for, one by one."""

import sys
import time
from pathlib import Path

import psutil

from engine_kit import INFER, MODEL, Repo, Up, running
from scratch import git
from waiting import until

MODELS = 21  # two releases each: one more than 128 watches at three a release allow
UNTIL_IDLE_S = 12.0  # the status was looked at, and is for a while to come
MEASURED_S = 15.0
PROGRAM = (sys.executable, "-m", "tests.modelctl.local.cheap_up")


def add_model(repo: Repo, name: str) -> None:
    """Another model, as the first one is."""
    for path in [p for p in (repo.root / f"apps/{MODEL}").rglob("*") if p.is_file()]:
        text = path.read_text(encoding="utf-8").replace(MODEL, name)
        repo.write(str(path.relative_to(repo.root)).replace(MODEL, name), text)
    for path in (repo.root / f"examples/artifacts/{MODEL}").iterdir():
        copy = repo.root / f"examples/artifacts/{name}/{path.name}"
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())


def answers(up: Up, *names: str) -> set[int]:
    """What some models answer."""
    return {up.ask(path=INFER.replace(MODEL, name))[0] for name in names}


def test_idle_costs_next_to_nothing(own_repo: Repo, tmp_path: Path) -> None:
    """While nothing happens, an engine with many servers uses less than 1 % of a processor."""
    for number in range(MODELS):
        add_model(own_repo, f"m{number:02}")
    own_repo.commit("apps: Begin")
    with running(own_repo.root, tmp_path / "state", program=PROGRAM) as up:
        up.until_well()
        process = psutil.Process(up.process.pid)
        passed(UNTIL_IDLE_S)
        before = used_s(process)
        passed(MEASURED_S)

        assert used_s(process) - before < MEASURED_S / 100


def passed(seconds: float) -> None:
    """Wait for time that passes while nothing happens: the one thing that is looked at here."""
    begun = time.monotonic()
    until(lambda: time.monotonic() - begun > seconds)


def used_s(process: psutil.Process) -> float:
    """The processor time of a process."""
    times = process.cpu_times()
    return float(times.user + times.system)


def test_no_release_is_one_too_many(own_repo: Repo, tmp_path: Path) -> None:
    """A commit with the 41st release and more harms none before it, and can be taken back."""
    own_repo.serve({"r1": 100, "r2": 0})
    names = [f"m{number:02}" for number in range(MODELS)]
    for name in names[:-2]:
        add_model(own_repo, name)
    first = own_repo.commit("apps: Begin")
    with running(own_repo.root, tmp_path / "state", program=PROGRAM) as up:
        up.until_well(first)
        envoy = up.pids()["envoy"]
        for name in names[-2:]:
            add_model(own_repo, name)
        up.until_well(own_repo.commit("apps: Add two"))
        assert {200} == answers(up, MODEL, *names)

        git(own_repo.root, "revert", "--no-edit", "HEAD")
        up.until_well(git(own_repo.root, "rev-parse", "HEAD").strip())
        up.until(lambda _: answers(up, *names[-2:]) == {404})
        assert {200} == answers(up, MODEL, *names[:-2])
        assert envoy == up.pids()["envoy"]
