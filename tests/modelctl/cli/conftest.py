"""A scratch repository with one model, made by the commands themselves."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from modelctl.__main__ import main
from scratch import PROJECT, init, use_own_hosts
from tests.modelctl.cli.linear import EDIT

ARTIFACTS = PROJECT / "examples" / "artifacts" / "linear"
IMAGE = f"registry.models.test/modelserver@sha256:{'ab' * 32}"

Modelctl = Callable[..., str]


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with environments and teams, and no model yet."""
    shutil.copytree(PROJECT / "argocd", tmp_path / "argocd")
    shutil.rmtree(tmp_path / "argocd" / "applications", ignore_errors=True)
    use_own_hosts(tmp_path)
    init(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def modelctl(capsys: pytest.CaptureFixture[str]) -> Modelctl:
    """Run the command line in this process and give what it printed."""

    def run(*words: str, exit_code: int = 0) -> str:
        found = main(words)
        output = capsys.readouterr()
        assert found == exit_code, output.err + output.out
        return output.out + output.err

    return run


@pytest.fixture
def served(scratch: Path, modelctl: Modelctl) -> Path:
    """The scratch repository with the model `linear`, releases r1 and r2, r1 in `local`."""
    modelctl(
        "new", "linear", "--artifact", str(ARTIFACTS / "r1.onnx"), "--owner", "forecasting",
        "--description", "Predicts y from x.", "--image", IMAGE, "--commit",
    )  # fmt: skip
    modelctl("release", "linear", "--artifact", str(ARTIFACTS / "r2.onnx"), "--commit")
    return scratch


@pytest.fixture
def shifted(served: Path, modelctl: Modelctl) -> Path:
    """The model with r1 stable at 50 and r2 at 50."""
    modelctl("shift", *EDIT, "r2=0")
    modelctl("shift", *EDIT, "r2=50")
    return served


@pytest.fixture
def promoted(shifted: Path, modelctl: Modelctl) -> Path:
    """The model with r2 stable at 100 and r1 warm at 0."""
    modelctl("promote", *EDIT)
    return shifted
