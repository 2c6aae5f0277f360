"""`modelctl package`: a release from a source, in a repository."""

from pathlib import Path

import pytest

from modelctl.__main__ import main
from modelctl.repo.documents import parse
from scratch import git
from tests.modelctl.cli.conftest import ARTIFACTS, IMAGE, Modelctl

NEW = ("--owner", "forecasting", "--description", "A line.", "--image", IMAGE)


def test_begins_a_model(scratch: Path, modelctl: Modelctl) -> None:
    """An npz file becomes a model in one command; the release knows where it comes from."""
    output = modelctl("package", str(ARTIFACTS / "r1.npz"), "--model", "line", *NEW, "--commit")

    assert "answers as the original does" in output
    document, _ = parse("", (scratch / "apps/line/releases/r1.yaml").read_bytes())
    assert document is not None
    provenance = document.value["provenance"]
    assert "r1.npz" == provenance["trained_from"]
    assert "npz" == provenance["packaged"]["converter"]
    assert "golden" in document.value
    modelctl("check")


def test_adds_a_release_at_weight_zero(served: Path, modelctl: Modelctl) -> None:
    """A model that serves gets the next release, introduced at 0."""
    modelctl("package", str(ARTIFACTS / "r1.npz"), "--model", "linear", "--commit")

    text = (served / "apps/linear/envs/local.yaml").read_text("utf-8")
    assert "weights: {r1: 100, r3: 0}" in text
    assert "apps/linear: Introduce r3 in local" == git(served, "log", "-1", "--format=%s").strip()


def test_works_on_a_branch(served: Path, modelctl: Modelctl) -> None:
    """The release is committed on a branch of its own, with a pull request's text."""
    output = modelctl("package", str(ARTIFACTS / "r1.npz"), "--model", "linear", "--branch", "line")

    assert "line" == git(served, "branch", "--show-current").strip()
    assert "# apps/linear: Add release r3" in output
    assert "git push -u origin line" in output
    assert "" == git(served, "status", "--porcelain").strip()


def test_leaves_no_branch_behind_what_failed(served: Path, modelctl: Modelctl) -> None:
    """Where nothing can be committed, the branch is gone and the one before is checked out."""
    hook = served / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    hook.chmod(0o755)
    modelctl(
        "package", str(ARTIFACTS / "r1.npz"), "--model", "linear", "--branch", "line", exit_code=2
    )

    assert "main" == git(served, "branch", "--show-current").strip()
    assert "" == git(served, "branch", "--list", "line").strip()


def test_only_writes_files(tmp_path: Path, modelctl: Modelctl) -> None:
    """With --out no repository is needed: model, golden file and provenance are written."""
    modelctl("package", str(ARTIFACTS / "r1.npz"), "--out", str(tmp_path / "made"))

    assert ["golden.json", "model.onnx", "provenance.json"] == sorted(
        path.name for path in (tmp_path / "made").iterdir()
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "found neither of --model and --out, expected one"),
        (("--model", "a", "--out", "b"), "found both of --model and --out"),
        (("--out", "b", "--prune", "1.5"), "found '1.5', expected a fraction above 0 and below 1"),
        (("--out", "b", "--quantize", "int8"), "auto"),
        (("--out", "b", "--labels", "x.npy"), "found --labels without --samples"),
        (("--out", "b", "--option", "x"), "expected NAME=VALUE"),
        (("--model", "line"), "--owner"),
        (("--model", "linear", "--owner", "vision"), "found --owner of the model linear"),
        (("--model", "linear", "--env", "moon"), "moon"),
    ],
)
def test_refuses_misuse_before_the_work(
    words: tuple[str, ...], told: str, served: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What could not be written in the end is refused at once."""
    code = main(["package", str(ARTIFACTS / "r1.npz"), *words])

    assert 2 == code
    assert told in capsys.readouterr().err
    assert not (served / ".modelctl" / "packages").exists()
