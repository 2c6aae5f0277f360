"""What `check` says of a way back, and of what comes along with it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scratch import git
from tests.modelctl.cli.linear import EDIT, FAULTS, commit_edit, weights

Modelctl = Callable[..., str]


def test_check_lets_a_way_back_pass(promoted: Path, modelctl: Modelctl) -> None:
    """A commit that only returns to applied bytes passes, and says why its errors are notes."""
    commit_edit(promoted, *FAULTS["model"])
    failed = modelctl("check", exit_code=1)

    modelctl("rollback", *EDIT)
    passed = modelctl("check")

    assert "1 error" in failed
    assert ": note: schema-valid" in passed
    assert "linear in local is back at what was applied at" in passed


def test_check_still_refuses_what_is_new(promoted: Path, modelctl: Modelctl) -> None:
    """A fault in typed files whose rendering did not change is no way back."""
    commit_edit(promoted, *FAULTS["model"])

    output = modelctl("check", exit_code=1)

    assert ": schema-valid found the unknown field" in output


def test_check_in_a_shallow_clone_says_what_it_cannot_see(
    promoted: Path, modelctl: Modelctl, tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A clone without history cannot know a way back, and says how to let it."""
    commit_edit(promoted, *FAULTS["model"])
    clone = tmp_path_factory.mktemp("clone")
    git(clone, "clone", "--quiet", "--depth", "1", f"file://{promoted}", ".")
    monkeypatch.chdir(clone)

    output = modelctl("check", exit_code=1)

    assert "this clone is shallow" in output
    assert "fetch-depth: 0" in output


def test_a_revert_passes_check_whatever_was_wrong_before(
    promoted: Path, modelctl: Modelctl
) -> None:
    """`git revert` of a promotion passes, although main had an error before and has it still."""
    commit_edit(promoted, *FAULTS["model"])
    git(promoted, "revert", "--no-edit", "HEAD~1")

    output = modelctl("check")

    assert ": note: schema-valid" in output
    assert {"r1": 50, "r2": 50} == weights(promoted)


def test_a_way_back_excuses_nothing_else(promoted: Path, modelctl: Modelctl) -> None:
    """A change that brings something besides the way back is held to every rule."""
    git(promoted, "revert", "--no-edit", "--no-commit", "HEAD")
    path = promoted / "apps/other/model.yaml"
    path.parent.mkdir()
    path.write_text("name: other\n")
    git(promoted, "add", "--all")
    git(promoted, "commit", "--quiet", "--message", "apps: Revert, and add another")

    output = modelctl("check", exit_code=1)

    assert "apps/other/model.yaml:1:1: schema-valid" in output
