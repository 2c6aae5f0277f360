"""`modelctl diff`: what people see of a change before they merge it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scratch import git

Modelctl = Callable[..., str]
EDIT = ("linear", "--env", "local", "--commit")


def test_an_introduction_is_told_with_what_it_takes(served: Path, modelctl: Modelctl) -> None:
    """Traffic stays, a release enters, and its pods are counted."""
    modelctl("shift", *EDIT, "r2=0")
    base = git(served, "rev-parse", "HEAD~1")[:12]

    assert (
        f"Compared with {base}:\n\n"
        "| environment | model | traffic before | after | entering | leaving | restarting |\n"
        "|---|---|---|---|---|---|---|\n"
        "| local | linear | r1 100 % (stable) | r1 100 % (stable), r2 0 % | r2 | - | - |\n\n"
        "| environment | model | pods at least | cpu | memory | GPUs |\n"
        "|---|---|---|---|---|---|\n"
        "| local | linear | 1 → 2 | 1 → 2 | 256 MiB → 512 MiB | 0 |\n\n"
        "The way back, once it is merged: `git revert --no-edit COMMIT` (`-m 1` for a merge).\n"
    ) == modelctl("diff")


def test_a_restart_is_told(served: Path, modelctl: Modelctl) -> None:
    """A release that is edited in place restarts, whether or not it was rendered yet."""
    path = served / "apps/linear/releases/r1.yaml"
    path.write_text(path.read_text().replace("max_inflight: 64", "max_inflight: 32"))
    effect = json.loads(modelctl("diff", "--format", "json"))["effects"][0]

    assert ["r1"] == effect["restarting"]
    assert effect["before"] == effect["after"]


@pytest.mark.usefixtures("shifted")
def test_a_cold_way_back_is_told(modelctl: Modelctl) -> None:
    """Where a release leaves that had traffic, the revert would start it cold."""
    modelctl("promote", *EDIT)
    modelctl("retire", *EDIT)

    output = modelctl("diff", "HEAD~2")

    assert "In local that starts r1 of linear cold" in output
    assert "`modelctl rollback linear --env local` warms it first" in output


def test_nothing_is_told_of_nothing(served: Path, modelctl: Modelctl) -> None:
    """A change of other files says that nothing that is served changes."""
    (served / "notes.txt").write_text("half a thought\n")

    assert "Nothing changes in what is served" in modelctl("diff", "HEAD")
