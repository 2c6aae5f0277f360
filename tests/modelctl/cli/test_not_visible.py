"""What is not visible is never taken for absent, and nothing is promised that nobody serves."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scratch import copy_project, git, init
from told_status import telling

Modelctl = Callable[..., str]
APPLICATION = "argocd/applications/prod/linear.yaml"


@pytest.fixture
def samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with everything that this one has."""
    copy_project(tmp_path)
    init(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", ["render", "check"])
def test_a_sparse_checkout_removes_nothing(command: str, samples: Path, modelctl: Modelctl) -> None:
    """A model that is not checked out is rendered and checked as it is in the index."""
    git(samples, "sparse-checkout", "set", "--no-cone", "/*", "!/apps/linear/")

    output = modelctl(command)

    assert not (samples / "apps/linear").exists()
    assert (samples / APPLICATION).exists()
    assert "removed" not in output
    assert "" == git(samples, "status", "--porcelain")


def test_a_link_in_place_of_a_model_removes_nothing(samples: Path, modelctl: Modelctl) -> None:
    """Where a link stands in place of a model's folder, what was rendered of it is left alone."""
    (samples / "apps/linear").rename(samples / "elsewhere")
    (samples / "apps/linear").symlink_to("../elsewhere")

    output = modelctl("render", exit_code=1)

    assert (samples / APPLICATION).exists()
    assert "apps/linear:1:1: yaml-strict found a symbolic link" in output
    assert "removed" not in output


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_removes_nothing(samples: Path, modelctl: Modelctl) -> None:
    """A folder without permission ends the command; nothing is concluded from it."""
    (samples / "apps/linear/envs").chmod(0)

    output = modelctl("render", exit_code=2)

    assert "cannot be listed" in output
    assert (samples / APPLICATION).exists()


def test_a_removed_model_takes_its_application_along(samples: Path, modelctl: Modelctl) -> None:
    """What is really gone is removed."""
    git(samples, "rm", "-r", "--quiet", "apps/linear")

    output = modelctl("render")

    assert f"removed {APPLICATION}" in output
    assert not (samples / APPLICATION).exists()


@pytest.fixture
def following_main(samples: Path) -> Iterator[Path]:
    """The samples while an engine follows their branch `main`."""
    source = f"refs/heads/main of {samples}"
    status = {"addresses": {"source": source, "environment": "local"}, "models": []}
    with telling(samples / ".modelctl", status):
        yield samples


def test_a_commit_on_another_branch_says_so(following_main: Path, modelctl: Modelctl) -> None:
    """An edit on a branch that the running engine does not follow says when it is served."""
    edit = ("shift", "linear", "--env", "local", "--commit")
    here = modelctl(*edit, "r2=0")
    git(following_main, "switch", "--quiet", "--create", "topic")

    there = modelctl(*edit, "r2=10")

    assert "note: this is on" not in here
    assert (
        "note: this is on topic; `modelctl up` follows main and serves it once it is merged there"
    ) in there
