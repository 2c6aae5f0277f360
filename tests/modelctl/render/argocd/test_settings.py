"""Argo CD's settings that repeat a fact of an environment."""

from dataclasses import replace
from typing import Any

import yaml

from modelctl.render.argocd.settings import objects
from modelctl.repo.kinds import ArgoCd, Environment, GitSource


def data(environment: Environment, source: GitSource) -> dict[str, dict[str, str]]:
    """The data of each ConfigMap, by name."""
    found = list(objects(environment, source))
    return {each["metadata"]["name"]: each["data"] for each in found if "data" in each}


def test_people_come_by_single_sign_on(prod: Environment, source: GitSource) -> None:
    """With groups, a secret by reference, and nobody else: the administrator is off."""
    found = data(prod, source)["argocd-cm"]
    oidc = yaml.safe_load(found["oidc.config"])

    assert "false" == found["admin.enabled"]
    assert "https://argocd.acme.test" == found["url"]
    assert "$argocd-oidc:clientSecret" == oidc["clientSecret"]
    assert "groups" in oidc["requestedScopes"]
    assert {"groups": {"essential": True}} == oidc["requestedIDTokenClaims"]


def test_before_single_sign_on_there_is_the_administrator(
    prod: Environment, source: GitSource
) -> None:
    """Without it nobody could come in."""
    for settings in (None, ArgoCd()):
        found = data(replace(prod, argocd=settings), source)

        assert "true" == found["argocd-cm"]["admin.enabled"]
        assert "oidc.config" not in found["argocd-cm"]


def test_groups_have_the_roles(prod: Environment, source: GitSource) -> None:
    """One line each; the roles themselves stand with the settings that all environments have."""
    lines = data(prod, source)["argocd-rbac-cm"]["policy.groups.csv"].splitlines()

    assert [
        "g, on-call, role:on-call",
        "g, Night Shift, role:on-call",
        "g, platform, role:platform",
    ] == lines


def test_a_model_links_to_what_else_is_known(prod: Environment, source: GitSource) -> None:
    """Its dashboard, its folder, and of a Deployment the release."""
    found = data(prod, source)["argocd-cm"]
    models = yaml.safe_load(found["application.links"])
    releases = yaml.safe_load(found["resource.links"])

    assert ["Dashboard", "Folder"] == [link["title"] for link in models]
    assert models[0]["url"].startswith("https://grafana.acme.test/d/")
    assert models[1]["url"] == (
        "https://git.acme.test/platform/models/-/tree/main/apps/{{ .application.metadata.name }}"
    )
    assert releases[0]["url"].endswith('io/version" }}.yaml')


def test_nothing_is_linked_that_is_not_known(prod: Environment, source: GitSource) -> None:
    """Without a forge and a dashboard there is no link."""
    bare = replace(source, forge=None)

    found = data(replace(prod, argocd=None), bare)

    assert {"argocd-cm": {"admin.enabled": "true"}} == found


def test_settings_are_the_config_maps_that_argo_cd_reads(
    prod: Environment, source: GitSource
) -> None:
    """Name and labels are those by which Argo CD finds its settings, and values are strings."""
    maps: list[dict[str, Any]] = [e for e in objects(prod, source) if e["kind"] == "ConfigMap"]

    for each in maps:
        name = each["metadata"]["name"]
        labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "argocd"}

        assert {"name": name, "namespace": "argocd", "labels": labels} == each["metadata"]
        assert {str} == {type(item) for item in each["data"].values()}
