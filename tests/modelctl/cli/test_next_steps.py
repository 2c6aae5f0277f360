"""The next step after each command: there is one, on standard error, and it is true."""

from collections.abc import Callable
from pathlib import Path

import pytest

from modelctl.__main__ import COMMANDS, main
from modelctl.cli.next_steps import SILENT, STEPS
from tests.modelctl.cli.linear import EDIT

Modelctl = Callable[..., str]


def test_every_command_has_a_next_step() -> None:
    """Or a reason why it has none."""
    assert set() == set(COMMANDS) - set(STEPS) - set(SILENT)
    assert set() == set(STEPS) & set(SILENT)


@pytest.mark.usefixtures("served")
def test_a_next_step(capsys: pytest.CaptureFixture[str]) -> None:
    """It names what was edited, and stands on standard error alone."""
    commit = ["--commit"]
    edit = [word for word in EDIT if word != "--commit"]
    expected = {
        ("team", "add", "pricing", *commit): "--owner pricing",
        ("shift", *edit, "r2=0"): "`git diff`",
        ("shift", *edit, "r2=10"): "`git diff`",
    }
    for words, told in expected.items():
        capsys.readouterr()
        assert 0 == main(words)
        output = capsys.readouterr()

        assert told in output.err.splitlines()[-1]
        assert "next: " not in output.out


def test_steps_can_be_followed(served: Path, modelctl: Modelctl) -> None:
    """Whoever does what the last line says comes from a new release to its retirement."""
    told = modelctl("release", "linear", "--artifact", str(artifact(served)), "--commit")
    for _ in range(2):
        told = modelctl(*step(told))
    told = modelctl(*step(told.replace("watch", "")))

    assert "Promote r3" in told
    assert "Retire" in modelctl(*step(told, last=True), "--release", "r1")


def artifact(served: Path) -> Path:
    """Another ONNX file: nothing but its description differs."""
    from onnx import load_model, save_model  # noqa: PLC0415

    from tests.modelctl.cli.conftest import ARTIFACTS  # noqa: PLC0415

    model = load_model(str(ARTIFACTS / "r2.onnx"))
    model.doc_string = "The same once more."
    path = served.parent / "r3.onnx"
    save_model(model, str(path))
    return path


def step(told: str, *, last: bool = False) -> list[str]:
    """The first command that the last line of some output names, or the last one."""
    named = [part for part in told.splitlines()[-1].split("`") if part.startswith("modelctl ")]
    named = [part for part in named if "status" not in part and "rollback" not in part]
    return named[-1 if last else 0].split()[1:]


def test_json_stays_alone(served: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing but the document is printed where a program reads."""
    assert served
    capsys.readouterr()
    assert 0 == main(["list", "--format", "json"])

    assert "" == capsys.readouterr().err
