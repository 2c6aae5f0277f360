"""`modelctl check`, `explain` and `rules` on a real repository."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from modelctl.check.rules import RULES
from scratch import git

Modelctl = Callable[..., str]
SERVING = "apps/linear/envs/local.yaml"


def _break(root: Path) -> None:
    serving = root / SERVING
    serving.write_text(serving.read_text().replace("r1: 100", "r1: 99"))


@pytest.fixture
def broken(served: Path) -> Path:
    """The served repository with weights of 99 that are not committed."""
    _break(served)
    return served


@pytest.mark.usefixtures("served")
def test_clean(modelctl: Modelctl) -> None:
    """A repository without findings passes and says how much was checked."""
    output = modelctl("check")

    assert "checked 1 model, 2 releases and 1 serving file: no findings\n" == output


@pytest.mark.usefixtures("broken")
def test_an_error_fails(modelctl: Modelctl) -> None:
    """An error is printed with its place, rule and remedy, and the command fails."""
    output = modelctl("check", exit_code=1)

    assert f"{SERVING}:3:1: weights-sum-100 found weights that add up to 99" in output
    assert output.endswith("4 errors\n"), "its routes and series were not rendered"


@pytest.mark.usefixtures("broken")
def test_json(modelctl: Modelctl) -> None:
    """The JSON report has the same finding as an object."""
    report = json.loads(modelctl("check", "--format", "json", exit_code=1))

    found = {(finding["path"], finding["rule"]) for finding in report["findings"]}
    assert (SERVING, "weights-sum-100") in found


def test_a_warning_passes(served: Path, modelctl: Modelctl) -> None:
    """A warning is shown and does not fail the command."""
    modelctl("shift", "linear", "--env", "local", "r2=0", "--commit")
    modelctl("shift", "linear", "--env", "local", "r2=10", "--commit")
    modelctl("promote", "linear", "--env", "local", "--commit")
    modelctl("retire", "linear", "--env", "local", "--release", "r1", "--commit")

    output = modelctl("check")

    assert (served / "apps/linear/releases/r1.yaml").exists()
    assert "apps/linear/releases/r1.yaml:1:1: warning: release-unreferenced" in output
    assert output.endswith("1 warning\n")


@pytest.mark.usefixtures("broken")
def test_a_commit_is_checked_as_it_is(modelctl: Modelctl) -> None:
    """With --ref the dirty work tree does not matter."""
    output = modelctl("check", "--ref", "HEAD")

    assert output.endswith("no findings\n")


def test_a_broken_commit_is_refused(broken: Path, modelctl: Modelctl) -> None:
    """With --ref the findings are those of the commit, however clean the work tree is."""
    git(broken, "commit", "--quiet", "--all", "--message", "apps/linear: Break it")
    serving = broken / SERVING
    serving.write_text(serving.read_text().replace("r1: 99", "r1: 100"))

    output = modelctl("check", "--ref", "main", exit_code=1)

    assert "weights-sum-100" in output


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(
    ("path", "exit_code"),
    [(SERVING, 1), ("apps/linear/envs", 1), ("apps/linear/envs/", 1), (".", 1), ("argocd", 0)],
)
def test_paths_choose_findings(path: str, exit_code: int, modelctl: Modelctl) -> None:
    """A file or folder shows its own findings only, and only they decide."""
    output = modelctl("check", path, exit_code=exit_code)

    assert ("weights-sum-100" in output) == bool(exit_code)
    assert output.endswith(f" in {path.rstrip('/')}\n")


def test_a_path_is_no_beginning_of_another(served: Path, modelctl: Modelctl) -> None:
    """A folder shows no findings of one whose name only begins as its own does."""
    shutil.copytree(served / "apps" / "linear", served / "apps" / "linear-cnn")

    assert modelctl("check", "apps/linear").endswith("no findings in apps/linear\n")
    assert "route-unique" in modelctl("check", "apps/linear-cnn", exit_code=1)


def test_paths_are_those_of_the_working_folder(
    broken: Path, modelctl: Modelctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path is relative to the folder that the command runs in."""
    monkeypatch.chdir(broken / "apps" / "linear")
    output = modelctl("check", "envs/local.yaml", exit_code=1)

    assert f"{SERVING}:3:1" in output


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("apps/liner",), "apps/liner is not in the repository"),
        (("apps/lin",), "apps/lin is not in the repository"),
        (("/etc/passwd",), "/etc/passwd is outside the repository"),
        (("--ref", "no-such-branch"), "no-such-branch"),
    ],
)
def test_what_cannot_be_checked_is_no_clean_result(
    words: tuple[str, ...], said: str, modelctl: Modelctl
) -> None:
    """A path or revision that does not exist ends with 2, not with a clean report."""
    output = modelctl("check", *words, exit_code=2)

    assert said in output


def test_outside_a_repository(
    tmp_path: Path, modelctl: Modelctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside a git repository the command could not run, and git's words say why."""
    monkeypatch.chdir(tmp_path)
    output = modelctl("check", exit_code=2)

    assert "not a git repository" in output


def test_explain(modelctl: Modelctl) -> None:
    """The page of a rule goes to standard output, from its slug to its good example."""
    output = modelctl("explain", "weights-sum-100")

    assert output.startswith("# weights-sum-100\n\nWeights of a serving file add up to 100.\n")
    assert output.endswith("```yaml\nweights: {r1: 80, r2: 20}\n```\n")


@pytest.mark.parametrize(
    ("slug", "hint"),
    [("weight-sum-100", "did you mean weights-sum-100?"), ("zzz", "`modelctl rules` lists them")],
)
def test_explain_an_unknown_rule(slug: str, hint: str, modelctl: Modelctl) -> None:
    """A misspelt rule ends with 2 and the nearest name, or with where they are listed."""
    output = modelctl("explain", slug, exit_code=2)

    assert hint in output


def test_rules_lists_every_rule(modelctl: Modelctl) -> None:
    """One line a rule, in the order of the table, with its level."""
    lines = modelctl("rules").splitlines()

    assert [[rule.ID, rule.LEVEL.value] for rule in RULES] == [line.split()[:2] for line in lines]
