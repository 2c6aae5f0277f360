"""`list` and `get`: what the files of the work tree say, for people and for programs."""

import json
from collections.abc import Callable
from pathlib import Path

from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree
from tests.modelctl.cli.linear import EDIT

Modelctl = Callable[..., str]


def test_list(shifted: Path, modelctl: Modelctl) -> None:
    """One line a model, one column an environment, in promotion order."""
    assert shifted
    told = modelctl("list").splitlines()

    assert ["MODEL", "OWNER", "local", "staging", "prod"] == told[0].split()
    assert ["linear", "forecasting", "r1=50", "r2=50", "-", "-"] == told[1].split()


def test_list_of_one_environment_or_team(shifted: Path, modelctl: Modelctl) -> None:
    """Only what serves there, or only what they own."""
    assert shifted

    assert "no models" in modelctl("list", "--env", "prod")
    assert "linear" in modelctl("list", "--owner", "forecasting")
    assert "no models" in modelctl("list", "--owner", "vision")


def test_list_as_json(shifted: Path, modelctl: Modelctl) -> None:
    """The same for programs."""
    assert shifted
    told = json.loads(modelctl("list", "--format", "json"))["models"][0]

    assert {"r1": 50, "r2": 50} == told["environments"]["local"]["weights"]
    assert ["r1", "r2"] == told["releases"]
    assert 0 == told["faults"]


def test_list_with_a_fault(served: Path, modelctl: Modelctl) -> None:
    """A model whose files cannot be read is listed, and what is not known is not made up."""
    (served / "apps/linear/model.yaml").write_text("name: linear\n")
    (served / "apps/linear/envs/local.yaml").write_text("stable: r1\n")

    assert ["linear", "?", "?", "?", "?"] == modelctl("list").splitlines()[1].split()


def test_get_a_model(served: Path, modelctl: Modelctl) -> None:
    """Owner, contract, weights, digests, and a line that asks it."""
    release = load(WorkTree(served)).model("linear").releases["r1"]
    told = modelctl("get", "linear")

    assert "owned by forecasting" in told
    assert "input x: FP32 [-1, 1]" in told
    assert "local: r1=100, stable r1" in told
    assert f"r1: sha256:{release.artifact.sha256}" in told
    assert 'http://localhost:8080/v2/models/linear/infer -d \'{"inputs":' in told


def test_get_as_json(served: Path, modelctl: Modelctl) -> None:
    """Programs get the typed values, of each kind that can be asked for."""
    assert served

    assert "r2" in json.loads(modelctl("get", "linear", "--format", "json"))["releases"]
    assert "r1" == json.loads(modelctl("get", "linear/r1", "--format", "json"))["id"]
    told = json.loads(modelctl("get", "environments", "--format", "json"))["environments"]
    assert ["local", "staging", "prod"] == [each["name"] for each in told]
    assert json.loads(modelctl("get", "teams", "--format", "json"))["teams"]


def test_names_that_are_not_there(served: Path, modelctl: Modelctl) -> None:
    """Whatever is named, the nearest name is told."""
    assert served
    wrong = {
        ("get", "liner"): "did you mean linear?",
        ("get", "linear/r3"): "r1, r2",
        ("list", "--env", "prd"): "did you mean prod?",
        ("list", "--owner", "visoin"): "did you mean vision?",
        ("history", "linaer"): "did you mean linear?",
        ("shift", "lineer", "--env", "local", "r1=100"): "did you mean linear?",
        ("promote", *EDIT, "--release", "r7"): "deployed: r1",
        ("up", "--env", "locl"): "did you mean local?",
        ("rollback", "linear", "--env", "lokal"): "did you mean local?",
        ("team", "add", "new", "--env", "stage"): "did you mean staging?",
    }
    for words, expected in wrong.items():
        code = 1 if words[0] == "promote" else 2

        assert expected in modelctl(*words, exit_code=code), words
