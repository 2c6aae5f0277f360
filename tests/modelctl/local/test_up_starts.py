"""`modelctl up` started anew: each model serves what it may, else what it served before."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine_kit import MODEL, Repo, Up, running
from scratch import git
from tests.modelctl.local.second_model import add_other, release_of_other, shift_other


def command(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    """A `modelctl` command that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "modelctl", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def killed(up: Up, *, alone: bool = False) -> None:
    """Kill it without warning, with everything that it runs, as a power failure would, or alone."""
    pids = [] if alone else list(up.pids().values())
    up.process.kill()
    up.wait()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("alone", [True, False])
def test_one_model_is_bad_and_another_was_promoted(
    own_repo: Repo, tmp_path: Path, *, alone: bool
) -> None:
    """After a kill the promoted model serves the newest commit, the bad one its last good state."""
    add_other(own_repo)
    own_repo.commit("apps/other: Begin")
    first = Up(own_repo.root, tmp_path / "state")
    first.until_well()
    own_repo.serve({"r1": 100, "r2": 5})
    shift_other(own_repo, {"r1": 0, "r2": 100}, "r2")
    own_repo.commit("apps: Promote other, shift linear too much")
    first.until(lambda _: release_of_other(first) == (200, "r2"))
    killed(first, alone=alone)

    with running(own_repo.root, tmp_path / "state") as up:
        served = set()

        def serves_both(_: object) -> bool:
            status, release = release_of_other(up)
            served.add(release)
            return status == 200 and up.answers()

        up.until(serves_both)
        status = up.until(lambda s: s["seen"])

        assert {"r2"} == served - {""}
        assert "r1" == up.release()
    (linear,) = [m for m in status["models"] if m["model"] == MODEL]
    assert "weights-sum-100" in linear["sync_reason"]


def test_the_newest_release_does_not_start(own_repo: Repo, tmp_path: Path) -> None:
    """What is accepted and never gets ready holds up nothing: what ran before serves meanwhile."""
    first = Up(own_repo.root, tmp_path / "state")
    first.until_well()
    killed(first)
    model = tmp_path / "r3.onnx"
    shutil.copyfile(own_repo.root / f"examples/artifacts/{MODEL}/r2.onnx", model)
    own_repo.add_release("r3", uri=f"file://{model}", sha256="0" * 64)
    own_repo.serve({"r1": 0, "r3": 100}, stable="r3").commit("apps/linear: Promote r3")

    with running(own_repo.root, tmp_path / "state") as up:
        up.until(lambda _: up.answers())

        assert "r1" == up.release()


def test_the_list_of_environments_is_broken(own_repo: Repo, tmp_path: Path) -> None:
    """Where nobody can say what runs here, what ran here goes on; a first start serves nothing."""
    first = Up(own_repo.root, tmp_path / "state")
    first.until_well()
    killed(first)
    own_repo.write("argocd/environments.yaml", "environments: [\n")
    own_repo.commit("argocd: Break the list")

    with running(own_repo.root, tmp_path / "state") as up:
        up.until(lambda s: s["sync"] == "OutOfSync" and up.answers())
    with running(own_repo.root, tmp_path / "other") as up:
        assert "environments.yaml" in up.until(lambda s: s["seen"])["sync_reason"]


def test_the_good_commit_is_gone(own_repo: Repo, tmp_path: Path) -> None:
    """A last good commit that git has dropped is told; the newest one is all there is."""
    begin = git(own_repo.root, "rev-parse", "HEAD").strip()
    good = own_repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2")
    first = Up(own_repo.root, tmp_path / "state")
    first.until_well(good)
    killed(first)
    git(own_repo.root, "reset", "--quiet", "--hard", begin)
    git(own_repo.root, "reflog", "expire", "--expire=now", "--all")
    git(own_repo.root, "gc", "--quiet", "--prune=now")

    with running(own_repo.root, tmp_path / "state") as up:
        status = up.until_well(begin)

    events = [event["message"] for event in status["models"][0]["events"]]
    assert any(f"{good[:12]}, cannot be read any more" in message for message in events)


def test_a_paused_model_goes_on(own_repo: Repo, tmp_path: Path) -> None:
    """A model that was paused serves after a start what it served before."""
    first = Up(own_repo.root, tmp_path / "state")
    first.until_well()
    own_repo.serve({"r1": 50, "r2": 50}, paused=True).commit("apps/linear: Pause")
    first.until(lambda s: "paused" in json.dumps(s["models"]))
    killed(first)

    with running(own_repo.root, tmp_path / "state") as up:
        up.until(lambda _: up.answers())

        assert {"r1"} == set(up.split(20))


def test_the_remote_repository_is_away(own_repo: Repo, tmp_path: Path) -> None:
    """Started while the repository cannot be reached, what was fetched before is served."""
    url = f"file://{own_repo.root}"
    first = Up(url, tmp_path / "state")
    first.until_well()
    killed(first)
    own_repo.root.rename(tmp_path / "away")

    with running(url, tmp_path / "state", "--ref", "main") as up:
        up.until(lambda s: "found no repository" in s["fault"] and s["models"] and up.answers())


@pytest.mark.parametrize(
    ("name", "said"),
    [("nosuch", "found no such environment"), ("prod", "found engine: argocd")],
)
def test_an_environment_that_does_not_run_here(
    own_repo: Repo, tmp_path: Path, name: str, said: str
) -> None:
    """Another environment ends the command at once with 2 and those to choose from."""
    words = ("--repo", own_repo.root, "--state", tmp_path / "state", "--port", "0")
    done = command("up", "--env", name, *words, "--status-port", "0")

    assert 2 == done.returncode
    assert done.stderr.startswith(f"modelctl: --env {name}: ")
    assert said in done.stderr
    assert "expected one with engine: local (local); choose it with --env" in done.stderr
    assert "" == done.stdout
    assert not (tmp_path / "state/envoy").exists() or not list((tmp_path / "state/envoy").iterdir())
