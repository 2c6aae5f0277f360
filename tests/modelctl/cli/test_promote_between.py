"""`modelctl promote --from --to`: a release to the next environment, once its files are there."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree
from modelctl.store.places import place_of
from scratch import git
from tests.modelctl.cli.linear import EDIT

Modelctl = Callable[..., str]
STAGING = "apps/linear/envs/staging.yaml"
BRING = ("promote", "linear", "--from", "local", "--to", "staging", "--commit")


def serving(root: Path) -> tuple[str, dict[str, int], tuple[int, int]]:
    """What the model's file of staging says: stable, weights, and bounds of replicas."""
    found = load(WorkTree(root)).model("linear").servings["staging"]
    return found.stable, dict(found.weights), (found.scale.min, found.scale.max)


def test_nothing_is_written_before_the_files_are_there(stored: Path, modelctl: Modelctl) -> None:
    """A release whose model the environment does not find is refused, with what brings it."""
    told = modelctl(*BRING, exit_code=1)

    assert "nothing was written; linear r1 model: found no such file at oci://" in told
    assert "`modelctl push linear --release r1 --env staging` brings it there" in told
    assert not (stored / STAGING).exists()


def test_a_first_release_takes_all_traffic(stored: Path, modelctl: Modelctl) -> None:
    """Where nothing serves yet the stable release does, with the scale that it had."""
    modelctl("push", "linear", "--release", "r1", "--env", "staging")
    told = modelctl(*BRING)

    assert "apps/linear: Bring r1 to staging" == git(stored, "log", "-1", "--format=%s").strip()
    assert ("r1", {"r1": 100}, (1, 4)) == serving(stored)
    assert "r1 gets all traffic of staging; next, once it is merged: `modelctl status" in told
    assert (stored / "apps/linear/rendered/staging/deployment-linear-r1.yaml").exists()
    assert (stored / "argocd/applications/staging/linear.yaml").exists()
    modelctl("check", "--base", "HEAD~1")


def test_another_release_comes_warm(stored: Path, modelctl: Modelctl) -> None:
    """Where one serves already the next one gets no traffic, and everything else stays."""
    modelctl("push", "linear", "--release", "r1", "--env", "staging")
    modelctl(*BRING)
    modelctl("shift", *EDIT, "r2=0")
    modelctl("promote", *EDIT, "--release", "r2")
    file = stored / STAGING
    file.write_text(file.read_text("utf-8").replace("stable:", "# ours\nstable:"), "utf-8")
    git(stored, "commit", "-qam", "root: Note")
    modelctl("push", "linear", "--release", "r2", "--env", "staging")

    told = modelctl(*BRING)

    assert ("r1", {"r1": 100, "r2": 0}, (1, 4)) == serving(stored)
    assert "# ours\n" in file.read_text("utf-8")
    assert "`modelctl shift linear --env staging r2=5`" in told
    modelctl("check", "--base", "HEAD~1")
    assert "r2 runs in staging already, at 0 %" in modelctl(*BRING, exit_code=1)


def test_the_way_back_is_a_revert(stored: Path, modelctl: Modelctl) -> None:
    """One `git revert` takes all of it back, and `check` agrees."""
    before = git(stored, "rev-parse", "HEAD^{tree}")
    modelctl("push", "linear", "--release", "r1", "--env", "staging")
    modelctl(*BRING)

    git(stored, "revert", "--no-edit", "HEAD")

    assert before == git(stored, "rev-parse", "HEAD^{tree}")
    modelctl("check", "--base", "HEAD~1")


def test_damaged_files_are_not_brought(stored: Path, store: str, modelctl: Modelctl) -> None:
    """Other bytes than the release's are found under its name."""
    release = load(WorkTree(stored)).model("linear").releases["r1"]
    place = place_of(f"{store}:{release.artifact.sha256}.onnx", sha256(b"other").hexdigest())
    place.write(iter([b"other"]), 5)

    assert "linear r1 model: found other bytes at oci://" in modelctl(*BRING, exit_code=1)


def test_a_store_that_does_not_answer_refuses(stored: Path, store: str, modelctl: Modelctl) -> None:
    """What cannot be looked at counts as not there, and is told."""
    environments = stored / "argocd/environments.yaml"
    text = environments.read_text("utf-8")
    environments.write_text(text.replace(store, "oci://127.0.0.1:1/models"), "utf-8")

    told = modelctl(*BRING, exit_code=1)

    assert "Connection refused; check the address and the network" in told
    assert not (stored / STAGING).exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["promote", "linear"], "expected either --env ENV"),
        (["promote", "linear", "--env", "local", "--from", "local", "--to", "prod"], "either"),
        (["promote", "linear", "--from", "local"], "found --from without --to"),
        (["promote", "linear", "--to", "prod"], "found --to without --from"),
        (["promote", "linear", "--from", "prod", "--to", "staging"], "found no such file"),
        (["promote", "linear", "--from", "local", "--to", "stagin"], "staging"),
        (["promote", "liner", "--from", "local", "--to", "staging"], "linear"),
        ([*BRING, "--release", "r7"], "found the release 'r7'"),
    ],
)
@pytest.mark.usefixtures("stored")
def test_what_is_asked_for_has_to_be_there(words: list[str], told: str, modelctl: Modelctl) -> None:
    """Arguments that contradict each other, and names that nobody has, are told."""
    assert told in modelctl(*words, exit_code=2)
