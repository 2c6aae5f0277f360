"""`modelctl up` beside an Envoy that is silent for a while, or for ever."""

import os
import signal
from pathlib import Path

from engine_kit import Repo, Up, running
from tests.modelctl.local.second_model import add_other, release_of_other, shift_other


def silent(up: Up) -> int:
    """Stop Envoy, as a machine that swaps does; its process."""
    pid = up.pids()["envoy"]
    os.kill(pid, signal.SIGSTOP)
    return pid


def test_silence_while_a_release_is_retired(own_repo: Repo, tmp_path: Path) -> None:
    """What Envoy has not said while it was stopped is asked again: nothing is held back later."""
    add_other(own_repo)
    own_repo.serve({"r1": 100, "r2": 0}).commit("apps: Begin")
    with running(own_repo.root, tmp_path / "state") as up:
        up.until_well()
        pid = silent(up)
        retired = own_repo.serve({"r1": 100}).commit("apps/linear: Retire r2")
        status = up.until(lambda s: "Envoy does not answer" in s["fault"])
        assert not status["well"]
        os.kill(pid, signal.SIGCONT)
        assert "" == up.until_well(retired)["fault"]

        shift_other(own_repo, {"r1": 0, "r2": 100}, "r2")
        up.until_well(own_repo.commit("apps/other: Promote r2"))
        up.until(lambda _: release_of_other(up) == (200, "r2"))
        up.until_well(own_repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2"))
        up.until_well(own_repo.serve({"r1": 0, "r2": 100}).commit("apps/linear: Shift"))
        up.until(lambda _: up.release() == "r2")
        assert pid == up.pids()["envoy"]


def test_silence_without_an_end(repo: Repo, up: Up) -> None:
    """An Envoy that hangs is never well, is replaced, and the new one has what git says by then."""
    hung = silent(up)
    shifted = repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2")
    status = up.until(lambda s: "Envoy does not answer" in s["fault"])
    assert not status["well"]

    up.until_well(shifted)

    assert hung != up.pids()["envoy"]
    up.until(lambda _: up.release({"x-model-release": "r2"}) == "r2")
    assert any("Envoy hangs" in event["message"] for event in up.status()["events"])
