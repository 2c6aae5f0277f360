"""What is rendered for no model alone: by whom it is asked for, and what it depends on."""

from dataclasses import replace
from pathlib import Path

import pytest

from modelctl.edit.overlay import OverlayTree
from modelctl.edit.plan import plan_edit
from modelctl.render import drift
from modelctl.render.moves import moves
from modelctl.render.shared import typed_file
from modelctl.repo.kinds import Teams
from modelctl.repo.loading import load
from modelctl.repo.repository import Repository
from modelctl.repo.tree import WorkTree
from scratch import PROJECT

BASE = PROJECT / "tests/modelctl/check/rules/base"
MODEL = "apps/linear/model.yaml"
VISION = "argocd/projects/prod/vision.yaml"
FORMER = b"namespace: models-forecasting"


def with_files(files: dict[str, bytes]) -> Repository:
    """The base with some files of its own."""
    return load(OverlayTree(WorkTree(BASE), files))


def current(files: dict[str, bytes]) -> Repository:
    """The base with some files, and with everything rendered for all models."""
    return with_files({**files, **drift.expected_shared(with_files(files), exact=True)})


@pytest.fixture
def moving() -> dict[str, bytes]:
    """The model file of one that moves from forecasting to vision."""
    text = (BASE / MODEL).read_text()
    moved = text.replace("owner: forecasting", "owner: vision\nmoved_from: forecasting")
    return {MODEL: moved.encode()}


def test_everything_of_an_environment_of_argo_cds() -> None:
    """Its root, its settings, a project and a namespace a team, and the platform's project."""
    paths = drift.expected_shared(with_files({}))

    assert {
        "argocd/bootstrap/prod.yaml",
        "argocd/config/prod/appproject-root.yaml",
        "argocd/config/prod/configmap-argocd-cm.yaml",
        "argocd/projects/prod/platform.yaml",
        "argocd/projects/prod/forecasting.yaml",
        VISION,
        "argocd/platform/prod/namespaces/namespace-models-vision.yaml",
    } <= set(paths)
    assert [] == [path for path in paths if "local" in path.split("/")]


def test_each_file_says_what_to_edit() -> None:
    """Of a team it is the list of teams, of all else the list of environments."""
    for path, content in drift.expected_shared(with_files({})).items():
        is_of_a_team = "/namespaces/" in path or (
            "/projects/" in path and not path.endswith("/platform.yaml")
        )

        assert ("argocd/teams.yaml" if is_of_a_team else "argocd/environments.yaml") == typed_file(
            path
        )
        assert f"; edit {typed_file(path)} instead".encode() in content


def test_charts_of_the_platform_are_allowed() -> None:
    """The platform's project names each repository of charts that an Application there names."""
    chart = b"kind: Application\nspec: {source: {repoURL: https://a.test/charts, chart: keda}}\n"

    found = drift.expected_shared(with_files({"argocd/platform/prod/keda.yaml": chart}))

    assert b"- https://a.test/charts\n" in found["argocd/projects/prod/platform.yaml"]


def test_unreadable_teams_change_nothing_of_theirs() -> None:
    """While the teams cannot be read, no project and no namespace is an orphan."""
    whole = current({})

    assert {} == drift.shared_changes(whole)
    assert {} == drift.shared_changes(replace(whole, teams=Teams()))


def test_a_team_that_is_gone_leaves_orphans(tmp_path: Path) -> None:
    """Its project and its namespace are removed from git, by whoever renders."""
    del tmp_path
    whole = current({})
    fewer = replace(whole, teams=Teams(whole.teams.ordered[:1]))

    changes = drift.shared_changes(fewer)

    assert changes[VISION] is None
    assert changes["argocd/platform/prod/namespaces/namespace-models-vision.yaml"] is None


def test_a_move_opens_the_namespace_before(moving: dict[str, bytes]) -> None:
    """For as long as the field stands, in the environments that serve the model."""
    repository = with_files(moving)

    assert {("prod", "vision"): frozenset({"forecasting"})} == moves(repository)
    assert FORMER in drift.expected_shared(repository, exact=True)[VISION]
    assert FORMER not in drift.expected_shared(current({}))[VISION]


def test_a_move_is_noticed_from_either_side(moving: dict[str, bytes]) -> None:
    """A project that lacks it is told of the model, one that still has it by itself."""
    before = current({})
    begun = with_files({**before.generated, **moving})
    during = current(moving)
    ended = with_files(dict(during.generated))

    assert [VISION] == list(drift.stale_projects(begun.model("linear")))
    assert {} == drift.stale_projects(during.model("linear"))
    assert {} == drift.shared_changes(during)
    assert [VISION] == list(drift.shared_changes(ended))


def test_no_model_is_read_while_none_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """What all models share is held to what is typed without a look at any model."""
    whole = current({})
    monkeypatch.setattr("modelctl.render.drift.moves", None)

    assert {} == drift.shared_changes(whole)


def test_an_edit_of_a_move_carries_the_project(moving: dict[str, bytes]) -> None:
    """A command that writes such a model file writes the project in the same commit."""
    tree = OverlayTree(WorkTree(BASE), dict(current({}).generated))

    plan = plan_edit(tree, moving)

    assert FORMER in (plan.changes[VISION] or b"")
