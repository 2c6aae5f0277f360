"""What the models of a team may be, and what its people may do."""

from dataclasses import replace

import pytest
import yaml

from modelctl.render import generated
from modelctl.render.argocd.kinds import MODEL_KINDS
from modelctl.render.argocd.project import platform_project, root_project, team_project
from modelctl.repo.kinds import Environments, GitSource, Team
from modelctl.repo.repository import ModelFiles

IN_CLUSTER = "https://kubernetes.default.svc"


def test_a_project_reaches_its_teams_namespace_alone(vision: Team, source: GitSource) -> None:
    """One repository, one destination, no kind that is in no namespace."""
    spec = team_project(vision, source)["spec"]

    assert [source.url] == spec["sourceRepos"]
    assert [{"server": IN_CLUSTER, "namespace": "models-vision"}] == spec["destinations"]
    assert "clusterResourceWhitelist" not in spec


@pytest.mark.parametrize("template", ["v1", "v2"])
def test_a_project_allows_every_kind_that_is_rendered(files: ModelFiles, template: str) -> None:
    """A kind that the renderer starts to write is allowed in the same commit."""
    (environment,) = files.environments.ordered
    environments = Environments(
        files.environments.source, (replace(environment, template=template),)
    )
    repository = replace(files.repository, environments=environments)

    rendered = {
        (value["apiVersion"].rpartition("/")[0], value["kind"])
        for path, text in generated(replace(files, repository=repository)).items()
        if path.startswith("apps/")
        for value in [yaml.safe_load(text)]
    }

    assert rendered
    assert rendered <= set(MODEL_KINDS)
    assert sorted(MODEL_KINDS) == list(MODEL_KINDS)


def test_what_came_with_a_namespace_is_no_orphan(vision: Team, source: GitSource) -> None:
    """Argo CD warns of nothing that a team's namespace was made with."""
    ignored = team_project(vision, source)["spec"]["orphanedResources"]["ignore"]

    kinds = {item["kind"] for item in ignored}
    assert {"LimitRange", "NetworkPolicy", "ResourceQuota", "Secret"} <= kinds


def test_a_move_reaches_the_namespace_before(vision: Team, source: GitSource) -> None:
    """The namespaces that models move from are destinations too, each once."""
    former = ["pricing", "alpha", "pricing", "vision"]

    found = team_project(vision, source, former)["spec"]["destinations"]

    assert ["models-vision", "models-alpha", "models-pricing"] == [
        each["namespace"] for each in found
    ]


def test_a_team_changes_its_models_through_git_alone(vision: Team, source: GitSource) -> None:
    """Its groups see, sync and restart its own Applications, and no right is a wildcard."""
    (role,) = team_project(vision, source)["spec"]["roles"]
    rules = [tuple(part.strip() for part in line.split(",")) for line in role["policies"]]

    assert ["vision", "vision-ops"] == role["groups"]
    assert {("p", "proj:vision:team", "vision/*", "allow")} == {
        (*rule[:2], *rule[4:]) for rule in rules
    }
    assert {
        ("applications", "get"),
        ("applications", "sync"),
        ("applications", "action/apps/Deployment/restart"),
        ("logs", "get"),
    } == {rule[2:4] for rule in rules}


def test_the_roots_project_allows_argo_cds_kinds_alone(source: GitSource) -> None:
    """The root Application may write Applications and projects in Argo CD's own namespace."""
    spec = root_project(source)["spec"]

    assert [{"server": IN_CLUSTER, "namespace": "argocd"}] == spec["destinations"]
    assert [
        {"group": "argoproj.io", "kind": "Application"},
        {"group": "argoproj.io", "kind": "AppProject"},
    ] == spec["namespaceResourceWhitelist"]


def test_the_platforms_project_names_its_charts(source: GitSource) -> None:
    """It may be anything, but from nowhere else than its Applications say."""
    spec = platform_project(source, {"https://b.test", "https://a.test"})["spec"]

    assert [source.url, "https://a.test", "https://b.test"] == spec["sourceRepos"]
