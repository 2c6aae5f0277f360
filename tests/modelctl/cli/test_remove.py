"""`modelctl remove`: out of an environment, or away, and what is left of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from modelctl.store import folder
from scratch import git

Modelctl = Callable[..., str]


@pytest.fixture
def staged(stored: Path, modelctl: Modelctl) -> Path:
    """The model `linear` in `local` and in `staging`, its files in stores."""
    modelctl("push", "linear", "--release", "r1", "--env", "staging")
    modelctl("promote", "linear", "--from", "local", "--to", "staging", "--commit")
    return stored


def test_it_leaves_one_environment(staged: Path, modelctl: Modelctl) -> None:
    """The serving file goes with all that is rendered of it, and the second step is told."""
    told = modelctl("remove", "linear", "--env", "staging", "--commit")

    assert "apps/linear: Leave staging" == git(staged, "log", "-1", "--format=%s").strip()
    assert not (staged / "apps/linear/rendered/staging").exists()
    assert not (staged / "argocd/applications/staging/linear.yaml").exists()
    assert (staged / "apps/linear/envs/local.yaml").exists()
    assert "staging: served r1 at 100 %; it serves on until the Application goes" in told
    assert "`argocd app delete linear --yes` in each cluster" in told
    assert "removal-impact" in modelctl("check", "--base", "HEAD~1")


def test_away_in_two_steps(staged: Path, store: str, modelctl: Modelctl) -> None:
    """First it leaves every environment, then the model goes, and each step passes `check`."""
    first = modelctl("remove", "linear", "--commit")
    modelctl("check", "--base", "HEAD~1")
    between = sorted(path.name for path in (staged / "apps/linear").iterdir())
    second = modelctl("remove", "linear", "--commit")
    modelctl("check", "--base", "HEAD~1")

    assert "local: served r1 at 100 %; it ends as soon as `modelctl up` sees the commit" in first
    assert "then `modelctl remove linear` takes the model itself away" in first
    assert ["model.yaml", "releases"] == between
    assert "apps/linear: Remove" == git(staged, "log", "-1", "--format=%s").strip()
    assert not (staged / "apps/linear").exists()
    for file in folder.of(staged).iterdir():
        assert f"left where it is: .modelctl/store/{file.name}" in second
        assert f"left where it is: {store}:{file.name}." in second
    assert "a way back needs these files" in second


def test_both_steps_can_be_reverted(staged: Path, modelctl: Modelctl) -> None:
    """Two reverts bring back what there was, to the byte, and `check` agrees."""
    before = git(staged, "rev-parse", "HEAD^{tree}")
    modelctl("remove", "linear", "--commit")
    modelctl("remove", "linear", "--commit")

    git(staged, "revert", "--no-edit", "HEAD", "HEAD~1")

    assert before == git(staged, "rev-parse", "HEAD^{tree}")
    modelctl("check", "--base", "HEAD~2")


def test_files_in_git_go_with_the_last_model_that_reads_them(
    served: Path, modelctl: Modelctl
) -> None:
    """An artifact of the repository goes too, unless another model reads the same one."""
    artifacts = served / "examples/artifacts/linear"
    release = (served / "apps/linear/releases/r2.yaml").read_text("utf-8")
    twin = served / "apps/twin/releases/r1.yaml"
    twin.parent.mkdir(parents=True)
    twin.write_text(release, "utf-8")
    model = (served / "apps/linear/model.yaml").read_text("utf-8")
    (served / "apps/twin/model.yaml").write_text(model.replace("linear", "twin"), "utf-8")
    git(served, "add", "--all")
    git(served, "commit", "-qm", "root: Begin")

    modelctl("remove", "linear", "--commit")
    modelctl("remove", "linear", "--commit")

    assert ["r2.golden.json", "r2.onnx"] == sorted(path.name for path in artifacts.iterdir())
    modelctl("check", "--base", "HEAD~1")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["remove", "liner"], "linear"),
        (["remove", "linear", "--env", "prod"], "apps/linear/envs/prod.yaml: found no such file"),
        (["remove", "linear", "--env", "prodd"], "prod"),
    ],
)
@pytest.mark.usefixtures("served")
def test_what_is_not_there_is_told(words: list[str], told: str, modelctl: Modelctl) -> None:
    """A model or an environment that nobody has is told with the nearest name."""
    assert told in modelctl(*words, exit_code=2)
