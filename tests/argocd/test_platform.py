"""What models need is pinned, complete in every environment, and has one owner a kind."""

import re
from collections import Counter
from typing import Any

import pytest

from modelctl.render.argocd.sync import retry
from scratch import PROJECT
from tests.argocd.platform import (
    BUILT_IN,
    ENVIRONMENTS,
    KINDS_OF_CHARTS,
    PLATFORM,
    applications,
    charts,
    owners,
    sources,
    used_groups,
)

EXACT = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+")
READ = re.compile(r"^# Read: 20[0-9]{2}-[01][0-9]-[0-3][0-9] https://\S+$", re.MULTILINE)
# What an environment does not have, and why: none lacks anything.
LACKING: dict[str, dict[str, str]] = {}
# Namespaces that are there without being made: Kubernetes' own.
MADE_BY_OTHERS = {"kube-system"}
# Only definitions and nothing in a namespace: no kind of theirs could be missing.
DEFINITIONS_ALONE = {"gateway-crds", "envoy-gateway", "monitoring"}
EACH = [(env, name) for env in ENVIRONMENTS for name in applications(env)]
EACH_CHART = [(env, name) for env in ENVIRONMENTS for name in charts(env)]


@pytest.mark.parametrize(("environment", "name"), EACH_CHART)
def test_every_chart_is_pinned(environment: str, name: str) -> None:
    """A version is exact, no range and no word that moves, and has the day it was read."""
    text = (PLATFORM / environment / f"{name}.yaml").read_text()
    versions = [source["targetRevision"] for source in sources(charts(environment)[name])]

    assert [] == [version for version in versions if not EXACT.fullmatch(version)]
    assert READ.search(text)


@pytest.mark.parametrize(("environment", "name"), EACH)
def test_every_application_is_the_platforms(environment: str, name: str) -> None:
    """It is in the project platform, in its own cluster, and deleting it deletes nothing else."""
    found = applications(environment)[name]

    assert name.removeprefix("application-") == found["metadata"]["name"]
    assert "platform" == found["spec"]["project"]
    assert "https://kubernetes.default.svc" == found["spec"]["destination"]["server"]
    assert "finalizers" not in found["metadata"]


@pytest.mark.parametrize(("environment", "name"), EACH)
def test_every_application_is_tried_again_for_ever(environment: str, name: str) -> None:
    """What is missing on the first day comes with another Application: nothing gives up."""
    policy = applications(environment)[name]["spec"]["syncPolicy"]

    assert retry() == policy["retry"]
    assert policy["automated"]["enabled"]
    assert policy["automated"]["selfHeal"]
    assert {"FailOnSharedResource=true", "ServerSideApply=true"} <= set(policy["syncOptions"])


@pytest.mark.parametrize(("environment", "name"), EACH_CHART)
def test_a_chart_takes_nothing_away_by_itself(environment: str, name: str) -> None:
    """A definition that a new version drops would take all its objects along."""
    policy = charts(environment)[name]["spec"]["syncPolicy"]

    assert "prune" not in policy["automated"]


@pytest.mark.parametrize(("environment", "name"), EACH)
def test_kinds_of_other_applications_hold_nothing_back(environment: str, name: str) -> None:
    """What has objects of kinds that others bring applies the rest meanwhile."""
    options = applications(environment)[name]["spec"]["syncPolicy"]["syncOptions"]

    assert (name not in DEFINITIONS_ALONE) == ("SkipDryRunOnMissingResource=true" in options)


@pytest.mark.parametrize(("environment", "name"), EACH_CHART)
def test_a_namespace_is_made_with_its_level_of_security(environment: str, name: str) -> None:
    """Whoever makes a namespace says how strict it is with pods."""
    spec = charts(environment)[name]["spec"]
    policy = spec["syncPolicy"]
    labels = policy.get("managedNamespaceMetadata", {}).get("labels", {})
    is_made = "CreateNamespace=true" in policy["syncOptions"]

    assert is_made == ("pod-security.kubernetes.io/enforce" in labels)
    assert is_made or name == "gateway-crds" or spec["destination"]["namespace"] in MADE_BY_OTHERS


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_namespace_is_made_twice(environment: str) -> None:
    """Two makers of one namespace would each take it from the other."""
    made = Counter(
        each["spec"]["destination"]["namespace"]
        for each in applications(environment).values()
        if "CreateNamespace=true" in each["spec"]["syncPolicy"]["syncOptions"]
    )

    assert [] == [name for name, makers in made.items() if makers > 1]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_environment_has_the_same(environment: str) -> None:
    """What one has, every other has, or it is said why not."""
    everything = {name for each in ENVIRONMENTS for name in applications(each)}

    assert everything == applications(environment).keys() | LACKING.get(environment, {}).keys()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_kind_has_one_owner(environment: str) -> None:
    """No definition is brought by two Applications, and each that an object needs by one."""
    brought = Counter(group for group, _ in owners(environment))

    assert [] == [group for group, count in brought.items() if count > 1]
    assert set() == used_groups(environment) - BUILT_IN - brought.keys()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_who_could_bring_the_kinds_of_another_does_not(environment: str) -> None:
    """Envoy Gateway's chart has the definitions too, and is told to leave them to their owner."""
    values = charts(environment)["envoy-gateway"]["spec"]["source"]["helm"]["valuesObject"]

    assert not values["crds"]["enabled"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_gpus_are_set_up_once(environment: str) -> None:
    """The operator leaves to Ansible what is Ansible's; a shared GPU never passes for a whole."""
    values: Any = charts(environment)["gpu-operator"]["spec"]["source"]["helm"]["valuesObject"]

    for part in ("driver", "toolkit", "migManager"):
        assert not values[part]["enabled"], part
    assert "mixed" == values["mig"]["strategy"]
    assert "renameByDefault: true" in values["devicePlugin"]["config"]["data"]["shared"]
    assert "failRequestsGreaterThanOne: true" in values["devicePlugin"]["config"]["data"]["shared"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_kubelets_are_verified(environment: str) -> None:
    """Neither metrics-server nor Prometheus takes a kubelet's certificate unseen."""
    found = charts(environment)
    server: Any = found["metrics-server"]["spec"]["source"]["helm"]["valuesObject"]
    prometheus: Any = found["monitoring"]["spec"]["source"]["helm"]["valuesObject"]

    assert "--kubelet-insecure-tls" not in str(server)
    assert server["apiService"]["insecureSkipTLSVerify"] is False
    assert prometheus["kubelet"]["serviceMonitor"]["insecureSkipVerify"] is False


def test_the_page_names_every_owner() -> None:
    """The table in the how-to has a row for each file, with the groups that it brings."""
    page = (PROJECT / "docs" / "how-to" / "upgrade-platform.md").read_text()
    environment = ENVIRONMENTS[0]
    rows = {
        name: next(row for row in page.splitlines() if row.startswith(f"| `{name}.yaml`"))
        for name in charts(environment)
    }

    assert [] == [(group, name) for group, name in owners(environment) if group not in rows[name]]
    assert set() == {s["chart"] for a in charts(environment).values() for s in sources(a)} ^ set(
        KINDS_OF_CHARTS
    )
