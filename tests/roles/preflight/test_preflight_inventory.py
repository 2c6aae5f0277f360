"""What preflight finds in an inventory before any host is asked: faults, and misspelt variables."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("ansible.errors", reason="make setup-roles installs Ansible")

from harness.content import PROJECT
from harness.plugins import load

ROLES = PROJECT / "roles"

KNOWN = {
    "nvidia_driver_branch": {"owner": "nvidia_driver", "type": "str"},
    "firewall_enabled": {"owner": "firewall", "type": "bool"},
    "cluster_name": {"owner": "preflight", "type": "str"},
}

PLUGINS = ROLES / "preflight"
inventory = load(PLUGINS / "filter_plugins/preflight_inventory.py")
variables = load(PLUGINS / "filter_plugins/preflight_variables.py")
specs = load(PLUGINS / "lookup_plugins/preflight_specs.py")


def in_inventory(**changes: Any) -> list[dict[str, str]]:  # noqa: ANN401 - parts of many types
    """Findings on an inventory that is right but for `changes`."""
    given = {
        "cluster": {
            "endpoint": "10.0.0.1:6443",
            "pod_cidr": "10.244.0.0/16",
            "service_cidr": "10.96.0.0/12",
        },
        "groups": {"control_plane": ["a"], "workers": ["b"], "gpu": ["b"]},
        "addresses": {"a": "10.0.0.1", "b": "10.0.0.2"},
        "versions": {},
        "compatibility": [],
        **changes,
    }
    found: list[dict[str, str]] = inventory.inventory_findings(given.pop("cluster"), **given)
    return found


def given(**values: object) -> list[dict[str, str]]:
    """Findings on variables of host a."""
    found: list[dict[str, str]] = variables.variable_findings(
        {"a": values},
        hosts=["a"],
        known=KNOWN,
        removed={"kube_version": {"drop_after": "2027-11-30", "remedy": "take it out"}},
        outputs=["^cluster_access_"],
    )
    return found


def test_a_right_inventory_has_no_finding() -> None:
    """Nothing is said of an inventory that is right."""
    assert in_inventory() == []


@pytest.mark.parametrize(
    ("check", "changes"),
    [
        ("control-plane-count", {"groups": {"control_plane": [], "workers": []}}),
        ("host-groups", {"groups": {"control_plane": ["a"], "workers": ["a"]}}),
        ("host-groups", {"groups": {"control_plane": ["a"], "workers": [], "gpu": ["g"]}}),
        ("duplicate-address", {"addresses": {"a": "10.0.0.1", "b": "10.0.0.1"}}),
        ("network-overlap", {"addresses": {"a": "10.244.1.1"}}),
    ],
)
def test_each_fault_of_the_inventory_is_told(check: str, changes: dict[str, object]) -> None:
    """A fault that the inventory shows is told before any host is asked."""
    found = in_inventory(**changes)

    assert {finding["check"] for finding in found} == {check}


@pytest.mark.parametrize("endpoint", ["", "10.0.0.1", "10.0.0.1:0", "10.0.0.1:99999", "a b:6443"])
def test_an_endpoint_needs_host_and_port(endpoint: str) -> None:
    """Anything but host:port is refused."""
    cluster = {"endpoint": endpoint, "pod_cidr": "10.244.0.0/16", "service_cidr": "10.96.0.0/12"}

    (finding,) = in_inventory(cluster=cluster)

    assert finding["check"] == "cluster-endpoint"


@pytest.mark.parametrize(
    ("pods", "services", "check"),
    [
        ("10.96.0.0/16", "10.96.0.0/12", "network-overlap"),
        ("10.244.0.1/16", "10.96.0.0/12", "network"),
        ("pods", "10.96.0.0/12", "network"),
    ],
)
def test_networks_must_be_networks_apart(pods: str, services: str, check: str) -> None:
    """Pod and service networks are networks, and do not overlap."""
    cluster = {"endpoint": "10.0.0.1:6443", "pod_cidr": pods, "service_cidr": services}

    (finding,) = in_inventory(cluster=cluster)

    assert finding["check"] == check


def test_an_even_number_of_control_planes_warns() -> None:
    """Two control planes are allowed and warned of."""
    (finding,) = in_inventory(groups={"control_plane": ["a", "b"]})

    assert (finding["check"], finding["severity"]) == ("control-plane-count", "warning")


def test_a_misspelt_variable_is_told_with_the_nearest_name() -> None:
    """A typo in a role's prefix is found as well as one behind it."""
    found = given(nvidia_drivr_branch="580", firewall_enabeld=True)

    assert [finding["expected"].rpartition(" ")[2] for finding in found] == [
        "firewall_enabled",
        "nvidia_driver_branch",
    ]


def test_variables_of_ones_own_are_left_alone() -> None:
    """Names that resemble nothing and carry no role's prefix belong to the site."""
    assert given(site_owner="me", ansible_host="10.0.0.1", cluster_access_kubeconfig={}) == []


def test_a_removed_variable_is_told_with_its_remedy() -> None:
    """An inventory of an older release is told what to do instead."""
    (finding,) = given(kube_version="1.30")

    assert (finding["check"], finding["remedy"]) == ("removed-variable", "take it out")


def test_the_table_of_removed_variables_says_how_long_each_is_told() -> None:
    """Every entry has its remedy and a day after which it is to be dropped, which has not come."""
    listed = yaml.safe_load((ROLES / "preflight" / "vars" / "main.yml").read_text())
    table = listed["__preflight_removed_variables"]

    assert all(entry["remedy"].strip() for entry in table.values())
    past = [
        name for name, entry in table.items() if _day(entry) < dt.datetime.now(tz=dt.UTC).date()
    ]
    assert [] == past


def _day(entry: dict[str, Any]) -> dt.date:
    return dt.date.fromisoformat(str(entry["drop_after"]))


@pytest.mark.parametrize("value", ["yes", "true", "no", 1, 0, None])
def test_a_boolean_must_be_one(value: object) -> None:
    """Text and numbers that only look like a boolean are refused."""
    (finding,) = given(firewall_enabled=value)

    assert finding["check"] == "strict-boolean"


@pytest.mark.parametrize("value", [True, False])
def test_true_and_false_are_booleans(value: object) -> None:
    """Real booleans pass."""
    assert given(firewall_enabled=value) == []


def test_one_finding_stands_for_all_hosts_that_share_it() -> None:
    """A typo in group_vars/all is told once."""
    values = {"firewall_enabeld": True}

    (finding,) = variables.variable_findings(
        {"a": values, "b": values}, hosts=["a", "b"], known=KNOWN, removed={}, outputs=[]
    )

    assert finding["host"] == "a, b"


def test_every_role_declares_its_variables_to_the_detector() -> None:
    """The detector knows variables of roles and those of the cluster."""
    known = specs.declared_by_roles(ROLES)

    assert known["preflight_strict"] == {"owner": "preflight", "type": "bool"}
    assert known["cluster_endpoint"]["owner"] == "preflight"


def test_inputs_of_playbooks_are_known(tmp_path: Path) -> None:
    """Variables that a playbook takes are no typos."""
    path = tmp_path / "inputs.yml"
    path.write_text("playbook_inputs: {reset: {confirm_cluster: {type: str}}}")

    known = specs.declared_by_playbooks(path)

    assert known == {"confirm_cluster": {"owner": "playbook reset", "type": "str"}}


def members(tree: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Hosts of a group and of the groups in it, with their variables."""
    found: dict[str, dict[str, Any]] = dict(tree.get("hosts") or {})
    for child in (tree.get("children") or {}).values():
        found |= members(child)
    return found


@pytest.mark.parametrize("name", ["sample", "lab"])
def test_an_inventory_to_copy_has_no_fault(name: str) -> None:
    """The sample, and one machine with a GPU that is everything, pass what looks at no host."""
    folder = PROJECT / "inventories" / name
    tree = yaml.safe_load((folder / "hosts.yml").read_text())
    values = yaml.safe_load((folder / "group_vars" / "all.yml").read_text())
    lock = yaml.safe_load((PROJECT / "versions.yml").read_text())
    hosts = members(tree["cluster"])
    groups = tree["cluster"]["children"] | {"gpu": tree["gpu"]}
    cluster = {part: values[f"cluster_{part}"] for part in ("endpoint", "pod_cidr", "service_cidr")}

    found = in_inventory(
        cluster=cluster,
        groups={group: sorted(members(own)) for group, own in groups.items()},
        addresses={host: str(own["ansible_host"]) for host, own in hosts.items()},
        versions=lock["versions"],
        compatibility=lock["compatibility"],
    )

    assert [] == [finding for finding in found if finding["severity"] == "error"]
