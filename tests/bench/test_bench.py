"""The benchmark of editing: its repositories are valid, its commands real, its tables true."""

import re
import shutil
from pathlib import Path

import pytest

from modelctl.check.engine import check_tree
from modelctl.edit.rollback import plan_rollback
from modelctl.render import drift
from modelctl.repo import history
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree
from tests.bench import gateway, life, scale
from tests.bench.__main__ import main
from tests.bench.cases import Case
from tests.bench.fleet import Fleet, folder_of, make
from tests.bench.measure import Usage
from tests.bench.report import beside, is_met, ours
from tests.scratch import git

FLEET = Fleet(models=3, artifact_bytes=1000)
CHECK = Case("check", "fleet", (("modelctl",),), goal_cpu_s=2, goal_peak_mb=50)
OTHER = Case("other", "fleet", (("other",),))
USED = {
    "check": [Usage(1, 2, 40_000_000), Usage(2, 3, 50_000_000), Usage(4, 9, 45_000_000)],
    "other": [Usage(2, 2, 80_000_000), Usage(2, 3, 50_000_000), Usage(2, 9, 90_000_000)],
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A fleet of three models with an artifact in git."""
    make(tmp_path, FLEET)
    return tmp_path


def _require_valid(root: Path) -> None:
    repository = load(WorkTree(root))
    stale = {f: drift.render_changes(repository.model(f)) for f in repository.folders}

    assert [] == check_tree(WorkTree(root))
    assert {} == {folder: changes for folder, changes in stale.items() if changes}
    assert "" == git(root, "status", "--porcelain")


def test_a_fleet_is_valid_and_committed(root: Path) -> None:
    """Nothing is found in it, what is rendered is current, and git sees no change."""
    _require_valid(root)

    repository = load(WorkTree(root))
    models = [repository.model(folder) for folder in repository.folders]
    assert tuple(map(folder_of, range(3))) == repository.folders
    assert [(2, 3)] * 3 == [(len(m.releases), len(m.servings)) for m in models]
    assert ["artifacts/model-0000/r2.onnx"] == list(models[0].artifacts)


def test_no_two_models_are_alike(root: Path) -> None:
    """No serving file is another's to the byte, so that none is read for nothing."""
    files = list(root.glob("apps/*/envs/*.yaml"))

    assert 9 == len({file.read_bytes() for file in files}) == len(files)


def test_a_past_ends_valid_and_settled(root: Path) -> None:
    """After a whole number of lives all is valid, and the way back is the release before."""
    life.live(root, [folder_of(0), folder_of(1)], "prod", 4 * life.STEPS)

    _require_valid(root)
    assert str(4 * life.STEPS + 1) == git(root, "rev-list", "--count", "HEAD").strip()
    past = history.traffic_changes(root, folder_of(1), ["prod"])["prod"]
    assert [{"r3": 0, "r4": 100}, {"r3": 25, "r4": 75}] == [state.weights for state in past[:2]]
    assert "r3" == plan_rollback(root, WorkTree(root), (folder_of(1), "prod")).release


def test_the_program_measures_real_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a tiny fleet every row has figures, and the page is written."""
    sizes = ("--models", "2", "--many-models", "1", "--commits", str(2 * life.STEPS))
    options = ("--artifact-bytes", "1000", "--rounds", "1", "--cold", "--alone")
    main([*sizes, *options, "--page", str(tmp_path / "page.md")])

    rows = re.findall(r"^\| (\S.*?) \| \d+\.\d+ \[", capsys.readouterr().out, re.MULTILINE)
    assert 16 == len(rows)
    assert "`rollback --commit`, 20 commits of one model" in rows
    assert all(row in (tmp_path / "page.md").read_text() for row in rows)


def test_what_grows_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """A line a size: files, what the commands take, what a gateway and Prometheus are asked."""
    scale.main(["--models", "2"])

    *_, line = capsys.readouterr().out.splitlines()
    assert re.match(r"\| 2 \| 15 \| \d+ \|", line)


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is missing (Debian: wrk)")
def test_a_gateway_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """A real Envoy takes the routes of a fleet, and its own time a request is known."""
    gateway.main(["--models", "2", "--seconds", "1"])

    *_, line = capsys.readouterr().out.splitlines()
    models, rules, *figures = (cell.strip() for cell in line.strip("|").split("|"))
    assert ("2", "16") == (models, rules)
    assert all(float(figure) > 0 for figure in figures)


def test_a_goal_is_about_the_median() -> None:
    """The median of the rounds keeps to a goal, or does not; one slow round changes nothing."""
    slow = [Usage(3, 3, 1), Usage(1, 1, 1), Usage(3, 3, 1)]

    assert is_met(CHECK, USED["check"])
    assert not is_met(CHECK, slow)
    assert not is_met(Case("", "", (), goal_peak_mb=44), USED["check"])


def test_a_row_has_figures_and_goals() -> None:
    """A line gives the median and the range of the rounds, the goal, and whether it is met."""
    assert "| check | 2.00 [1.00-4.00] | ≤ 2 | 3.00 | 45.0 | ≤ 50 | yes |" == ours([CHECK], USED)[2]
    assert "| other | 2.00 [2.00-2.00] |  | 3.00 | 80.0 |  |  |" == ours([OTHER], USED)[2]


def test_ratios_are_of_one_round() -> None:
    """Ours is divided by the other's of the same round, and the ratios' median is shown."""
    lines = beside(CHECK, [OTHER], USED)

    assert lines[3].startswith("| other | 2.00 [2.00-2.00] | 1.00 [0.50-2.00] |")
