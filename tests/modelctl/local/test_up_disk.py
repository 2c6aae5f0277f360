"""`modelctl up` whose state folder lies on a disk that is full."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine_kit import Load, Repo, Up, running
from scratch import git


def command(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    """A `modelctl` command that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "modelctl", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def full_state(own_repo: Repo, tmp_path: Path) -> Iterator[Up]:
    """A running `up` whose state folder is on a disk of its own that is full by now."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(place)]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a file system")
    try:
        with running(own_repo.root, place / "state") as up:
            up.until_well()
            fill(place)
            yield up
            (place / "filler").unlink()
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> None:
    """Leave no block free."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 4096)
        except OSError:
            return


def test_status_on_a_full_disk(own_repo: Repo, full_state: Up) -> None:
    """With a full disk, a bad commit and a killed server, the status is the present one."""
    bad = own_repo.serve({"r1": 100, "r2": 5}).commit("apps/linear: Shift too much")
    full_state.until(lambda s: s["seen"]["id"] == bad)

    done = command("status", "--state", full_state.state)

    assert 1 == done.returncode
    assert "weights-sum-100" in done.stdout


def test_status_of_a_stopped_engine(own_repo: Repo, full_state: Up) -> None:
    """An engine that is stopped is never well."""
    full_state.process.send_signal(signal.SIGSTOP)
    own_repo.serve({"r1": 100, "r2": 5}).commit("apps/linear: Shift too much")

    done = command("status", "--state", full_state.state)

    full_state.process.send_signal(signal.SIGCONT)
    assert 2 == done.returncode
    assert "does not answer" in done.stdout


def test_artifacts_on_a_full_disk(own_repo: Repo, full_state: Up) -> None:
    """Artifacts that find no room refuse their model, and are written once there is some."""
    added = own_repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2")
    status = full_state.until(lambda s: s["seen"]["id"] == added)
    assert "artifacts cannot be written" in status["models"][0]["sync_reason"]
    assert "No space left on device" in status["models"][0]["sync_reason"]
    assert full_state.answers()

    (full_state.state.parent / "filler").unlink()
    full_state.until_well(added)
    fill(full_state.state.parent)
    git(own_repo.root, "revert", "--no-edit", "HEAD")
    git(own_repo.root, "revert", "--no-edit", "HEAD")
    full_state.until_well(git(own_repo.root, "rev-parse", "HEAD").strip())


def test_routes_on_a_full_disk(own_repo: Repo, full_state: Up) -> None:
    """With a full disk every change of routes and the way back go through, and status says so."""
    disk = full_state.state.parent
    (disk / "filler").unlink()
    full_state.until_well(own_repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2"))
    fill(disk)
    with Load(full_state.port, connections=1) as load:
        for weights in ({"r1": 50, "r2": 50}, {"r1": 0, "r2": 100}):
            shifted = own_repo.serve(weights).commit("apps/linear: Shift")
            full_state.until_well(shifted)
        full_state.until(lambda _: full_state.release() == "r2")
        git(own_repo.root, "revert", "--no-edit", "HEAD", "HEAD~1")
        back = git(own_repo.root, "rev-parse", "HEAD").strip()
        status = full_state.until_well(back)
        full_state.until(lambda _: full_state.release() == "r1")

    assert "" == status["fault"]
    assert [] == load.failures
    assert 0 == command("status", "--state", full_state.state).returncode


def test_a_start_on_a_full_disk(own_repo: Repo, full_state: Up) -> None:
    """An engine that is killed on a full disk begins again there, and follows git."""
    full_state.process.kill()
    full_state.wait()

    with running(own_repo.root, full_state.state) as up:
        up.until_well(own_repo.commit("apps/linear: Say more"))

        assert "r1" == up.release()
