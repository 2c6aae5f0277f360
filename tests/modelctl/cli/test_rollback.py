"""The way back on a real repository, whatever is broken beside it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scratch import git
from tests.modelctl.cli.linear import EDIT, FAULTS, MODEL, RENDERED, SERVING, commit_edit, weights

Modelctl = Callable[..., str]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_rollback_applies_what_ran_whatever_is_broken(
    fault: str, promoted: Path, modelctl: Modelctl
) -> None:
    """After a promotion and a fault beside it, a rollback changes the bytes that are applied."""
    commit_edit(promoted, *FAULTS[fault])

    output = modelctl("rollback", *EDIT)

    assert 100 == weights(promoted)["r1"]
    assert "Roll back to r1 in local" in output
    assert "" == git(promoted, "status", "--porcelain")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_rollback_in_mid_shift_needs_no_valid_neighbour(
    fault: str, shifted: Path, modelctl: Modelctl
) -> None:
    """In the middle of a shift the stable release gets everything, whatever is broken."""
    commit_edit(shifted, *FAULTS[fault])

    modelctl("rollback", *EDIT)

    assert {"r1": 100, "r2": 0} == weights(shifted)


def test_a_canary_that_never_settled_is_left_with_a_broken_model_file(
    served: Path, modelctl: Modelctl
) -> None:
    """Where no state had the stable release at 100, the last typed files that worked are used."""
    modelctl("shift", *EDIT, "r2=0")
    commit_edit(served, SERVING, "{r1: 100, r2: 0}", "{r1: 95, r2: 5}")
    modelctl("render")
    git(served, "commit", "--quiet", "--all", "--amend", "--message", "apps/linear: Shift")
    root = git(served, "commit-tree", "HEAD^{tree}", "-m", "root: Begin here").strip()
    git(served, "reset", "--quiet", "--hard", root)
    commit_edit(served, *FAULTS["model"])

    modelctl("rollback", *EDIT)

    assert {"r1": 100, "r2": 0} == weights(served)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        *((fault, ("shift", "r2=90")) for fault in ("model", "live-release", "environments")),
        *((fault, ("promote",)) for fault in ("model", "live-release", "environments")),
        *((fault, ("retire",)) for fault in ("model", "target-release", "environments")),
    ],
)
def test_other_edits_are_refused_where_nothing_can_be_rendered(
    fault: str, words: tuple[str, ...], shifted: Path, modelctl: Modelctl
) -> None:
    """An edit whose result cannot be rendered is refused loudly and writes nothing."""
    if words[0] == "retire":
        modelctl("rollback", *EDIT)
    commit_edit(shifted, *FAULTS[fault])
    before = git(shifted, "rev-parse", "HEAD")

    output = modelctl(words[0], *EDIT, *words[1:], exit_code=1)

    assert "nothing was written" in output
    assert before == git(shifted, "rev-parse", "HEAD")
    assert "" == git(shifted, "status", "--porcelain")


def test_mid_shift_does_not_ask_history(promoted: Path, modelctl: Modelctl) -> None:
    """After a promotion was reverted into the shift, a rollback leads to stable, not onwards."""
    git(promoted, "revert", "--no-edit", "HEAD")

    modelctl("rollback", *EDIT)

    assert {"r1": 100, "r2": 0} == weights(promoted)


def test_a_cold_release_starts_first(promoted: Path, modelctl: Modelctl) -> None:
    """A release that was retired comes back in two steps: warm, then with the traffic."""
    modelctl("retire", *EDIT)

    first = modelctl("rollback", *EDIT)
    between = weights(promoted)
    second = modelctl("rollback", *EDIT)

    assert "Start r1 in local to roll back" in first
    assert "run the same command again" in first
    assert {"r2": 100, "r1": 0} == between
    assert "Roll back to r1 in local" in second
    assert {"r2": 0, "r1": 100} == weights(promoted)


def test_a_cold_release_can_be_had_at_once(promoted: Path, modelctl: Modelctl) -> None:
    """With --now one commit does it, and says what fails until the servers are there."""
    modelctl("retire", *EDIT)

    output = modelctl("rollback", *EDIT, "--now")

    assert 100 == weights(promoted)["r1"]
    assert (
        "until its servers are ready, requests to linear in local are answered with 503" in output
    )


def test_waiting_needs_an_engine(promoted: Path, modelctl: Modelctl) -> None:
    """Where nothing here runs the environment, --wait starts the release and says who can tell."""
    modelctl("retire", *EDIT)

    output = modelctl("rollback", *EDIT, "--wait", exit_code=2)

    assert {"r2": 100, "r1": 0} == weights(promoted)
    assert "no `modelctl up` runs local here" in output


def test_what_cannot_be_brought_back_is_refused_with_the_faults(
    served: Path, modelctl: Modelctl
) -> None:
    """Where neither today's files nor any state of git give the target, it is said what to mend."""
    commit_edit(served, *FAULTS["model"])
    root = git(served, "commit-tree", "HEAD^{tree}", "-m", "root: Begin here").strip()
    git(served, "reset", "--quiet", "--hard", root)

    output = modelctl("rollback", *EDIT, "--to", "r2", "--now", exit_code=1)

    assert "nothing was written: linear cannot be rendered in local" in output
    assert f"{MODEL}:2:1: schema-valid found the unknown field" in output


def test_a_shift_is_left_before_the_first_commit(shifted: Path, modelctl: Modelctl) -> None:
    """Without any history the stable release gets everything, in the middle of a shift."""
    shutil.rmtree(shifted / ".git")
    git(shifted, "init", "--quiet", "--initial-branch=main")

    modelctl("rollback", "linear", "--env", "local")

    assert "{r1: 100, r2: 0}" in (shifted / SERVING).read_text()


def test_an_edit_that_was_never_rendered_does_not_come_along(
    shifted: Path, modelctl: Modelctl
) -> None:
    """What gets the traffic is what runs, not what somebody has made of its file since."""
    path = "apps/linear/releases/r1.yaml"
    before = (shifted / path).read_bytes()
    deployment = f"{RENDERED}/deployment-linear-r1.yaml"
    runs = (shifted / deployment).read_bytes()
    commit_edit(shifted, path, "threads: 1", "threads: 4")

    modelctl("rollback", *EDIT)

    assert {"r1": 100, "r2": 0} == weights(shifted)
    assert runs == (shifted / deployment).read_bytes()
    assert before == (shifted / path).read_bytes()


def test_a_model_without_any_traffic_gets_its_stable_release_back(
    promoted: Path, modelctl: Modelctl
) -> None:
    """Where a hand edit took all traffic away, one command gives it back at once."""
    commit_edit(promoted, SERVING, "{r1: 0, r2: 100}", "{r1: 0, r2: 0}")
    modelctl("render")
    git(promoted, "commit", "--quiet", "--all", "--message", "apps/linear: Take all away")

    modelctl("rollback", *EDIT)

    assert {"r1": 0, "r2": 100} == weights(promoted)
