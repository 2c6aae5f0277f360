"""The namespaces of teams."""

from dataclasses import replace
from typing import Any

import kubernetes_validate

from modelctl.render.argocd.namespaces import objects
from modelctl.repo.kinds import Environment, Teams

KUBERNETES = "1.36"


def by_kind(environment: Environment, teams: Teams) -> dict[str, dict[str, Any]]:
    """The objects of the first team, by kind."""
    found = objects(environment, Teams(teams.ordered[:1]))
    return {value["kind"]: value for value in found}


def test_kubernetes_takes_every_object(prod: Environment, teams: Teams) -> None:
    """Each holds to the schema of its kind, without a field that is not known."""
    for value in objects(replace(prod, name="staging"), teams):
        assert KUBERNETES == kubernetes_validate.validate(value, KUBERNETES, strict=True)


def test_pods_are_restricted(prod: Environment, teams: Teams) -> None:
    """Kubernetes refuses, audits and warns of every pod that is not as restricted as ours."""
    labels = by_kind(prod, teams)["Namespace"]["metadata"]["labels"]

    assert {"restricted"} == {
        labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")
    }


def test_a_namespace_outlives_its_file(prod: Environment, teams: Teams) -> None:
    """No sync deletes a namespace: models would go with it."""
    annotations = by_kind(prod, teams)["Namespace"]["metadata"]["annotations"]

    assert {"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"} == annotations


def test_a_quota_bounds_what_pods_ask_for(prod: Environment, teams: Teams) -> None:
    """Of GPUs too, where the team has any; a slice of which it has none is refused."""
    assert {
        "requests.cpu": "64",
        "requests.memory": "256Gi",
        "limits.memory": "256Gi",
        "pods": "200",
        "requests.nvidia.com/gpu": "8",
        "requests.nvidia.com/mig-1g.10gb": "0",
    } == by_kind(prod, teams)["ResourceQuota"]["spec"]["hard"]


def test_a_container_that_asks_for_nothing_gets_something(prod: Environment, teams: Teams) -> None:
    """A quota refuses pods without requests: the defaults are what they have instead."""
    (limit,) = by_kind(prod, teams)["LimitRange"]["spec"]["limits"]

    assert {"cpu", "memory"} == limit["defaultRequest"].keys()


def test_nothing_goes_where_no_policy_says_so(prod: Environment, teams: Teams) -> None:
    """Every pod, both ways, without an exception."""
    assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} == by_kind(prod, teams)[
        "NetworkPolicy"
    ]["spec"]


def test_a_team_has_a_namespace_where_it_serves(prod: Environment, teams: Teams) -> None:
    """Not in an environment that it does not name, nor in one without Argo CD."""
    staging, laptop = replace(prod, name="staging"), replace(prod, engine="local")

    namespaces = [
        [each["metadata"]["name"] for each in objects(where, teams) if each["kind"] == "Namespace"]
        for where in (prod, staging, laptop)
    ]

    assert [["models-vision"], ["models-vision", "models-pricing"], []] == namespaces


def test_a_team_without_a_quota_has_none(prod: Environment, teams: Teams) -> None:
    """Its namespace is as restricted, and bounded by nothing but the cluster."""
    staging = replace(prod, name="staging")

    kinds = [each["kind"] for each in objects(staging, Teams(teams.ordered[1:]))]

    assert ["Namespace", "LimitRange", "NetworkPolicy"] == kinds
