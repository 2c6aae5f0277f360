"""The port table, the rules made from it, and the page that shows it."""
# ruff: noqa: ANN401 - the plugin's module is loaded by path, so its types cannot be named

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.plugins import load

errors = pytest.importorskip("ansible.errors", reason="make setup-roles installs Ansible")

ROOT = Path(__file__).parents[3]
PORTS = yaml.safe_load((ROOT / "roles/firewall/vars/ports.yml").read_text())["firewall_port_table"]
SETS = {
    "any": ["0.0.0.0/0", "::/0"],
    "admin": ["10.9.0.0/16"],
    "api": ["0.0.0.0/0"],
    "cluster": ["10.0.0.1", "10.0.0.2", "2001:db8::1"],
    "control_plane": ["10.0.0.1"],
    "inside": ["10.0.0.1", "10.0.0.2", "2001:db8::1", "10.244.0.0/16"],
}


@pytest.fixture(scope="module")
def plugin() -> Any:
    """Module of the role's filters."""
    path = ROOT / "roles/firewall/filter_plugins/firewall.py"
    return load(path)


def names(plugin: Any, *, groups: list[str], cni: str = "calico") -> set[str]:
    """Names of the rows that are opened on a host of `groups`."""
    rules = plugin.rules(PORTS, groups=[*groups, "cluster"], cni=cni, sets=SETS, ssh_port=22)
    return {rule["name"] for rule in rules}


def test_a_worker_does_not_open_the_control_plane(plugin: Any) -> None:
    """API and etcd are open on control planes only."""
    only = names(plugin, groups=["control_plane"]) - names(plugin, groups=["workers"])

    assert only == {"kubernetes-api", "etcd"}


def test_ports_of_the_host_alone_are_never_opened(plugin: Any) -> None:
    """Health and metrics that bind to the loopback get no rule."""
    local = {row["name"] for row in PORTS if row["from"] == "host"}

    assert local.isdisjoint(names(plugin, groups=["control_plane", "workers", "gpu"]))


def test_the_network_provider_decides_its_ports(plugin: Any) -> None:
    """Only the chosen provider's ports are opened."""
    assert "flannel-vxlan" not in names(plugin, groups=["workers"])
    assert "flannel-vxlan" in names(plugin, groups=["workers"], cni="flannel")
    assert "calico-vxlan" not in names(plugin, groups=["workers"], cni="flannel")


def test_pods_open_only_what_they_need(plugin: Any) -> None:
    """A pod reaches a host's API, kubelet and exporters, and neither SSH nor etcd."""
    sets = SETS | {"api": ["10.244.0.0/16"], "any": []}
    rules = plugin.rules(
        PORTS, groups=["cluster", "control_plane", "gpu"], cni="calico", sets=sets, ssh_port=22
    )
    open_to_pods = {rule["name"] for rule in rules if "10.244.0.0/16" in rule["networks"]}
    template = (ROOT / "roles/firewall/templates/firewall.nft.j2").read_text()
    accepted = re.findall(r"saddr .* accept", template.split("chain input")[1])

    assert {"kubernetes-api", "kubelet", "node-exporter", "dcgm-exporter"} == open_to_pods
    assert 3 == len(accepted), "DHCPv6, traffic in IP between nodes, and the rules of the table"


def test_ssh_follows_the_port_that_ansible_uses(plugin: Any) -> None:
    """A host reached on another port keeps that one open."""
    rules = plugin.rules(PORTS, groups=["cluster"], cni="none", sets=SETS, ssh_port=2222)

    assert [rule["port"] for rule in rules if rule["name"] == "ssh"] == ["2222"]


def test_addresses_are_merged_by_family(plugin: Any) -> None:
    """Neighbours become one network, families stay apart, names are dropped."""
    found = plugin.families(["10.0.0.0/25", "10.0.0.128/25", "::1", "node-1", "10.0.0.7"])

    assert found == [
        {"family": "ip", "networks": ["10.0.0.0/24"]},
        {"family": "ip6", "networks": ["::1/128"]},
    ]


def test_names_alone_are_refused(plugin: Any) -> None:
    """Rather than a rule for nobody, a message says what to set."""
    with pytest.raises(errors.AnsibleFilterError, match="firewall_cluster_cidrs"):
        plugin.families(["node-1", "node-2"])


def test_no_network_gives_no_rule(plugin: Any) -> None:
    """An empty list opens nothing."""
    assert plugin.families([]) == []


def test_an_unknown_source_is_refused(plugin: Any) -> None:
    """A row that names no known set is not opened to everyone by mistake."""
    row = {**PORTS[0], "from": "everywhere"}

    with pytest.raises(errors.AnsibleFilterError, match="everywhere"):
        plugin.rules([row], groups=["cluster"], cni="none", sets=SETS, ssh_port=22)


def test_bridges_of_a_host_are_no_addresses_of_it(plugin: Any) -> None:
    """Only the default route's card and the address that Ansible uses count."""
    hostvars = {
        "a": {
            "ansible_host": "192.0.2.1",
            "ansible_facts": {"default_ipv4": {"address": "10.0.0.1"}, "cni0": {}},
        }
    }

    assert plugin.node_addresses(hostvars, ["a"]) == {"a": ["10.0.0.1", "192.0.2.1"]}


@pytest.mark.parametrize("row", PORTS, ids=lambda row: str(row["name"]))
def test_a_row_of_the_table_is_whole(row: dict[str, Any]) -> None:
    """Every row says who listens, who may connect, and why."""
    required = {"name", "protocol", "port", "groups", "from", "free", "purpose"}

    assert required <= row.keys() <= required | {"cni"}
    assert row["protocol"] in {"tcp", "udp"}
    assert row["from"] in {*SETS, "host"}
    assert set(row["groups"]) <= {"cluster", "control_plane", "workers", "gpu"}


def test_the_page_shows_the_table() -> None:
    """docs/reference/ports.md has exactly the rows of the table."""
    text = (ROOT / "docs/reference/ports.md").read_text()
    shown = [line for line in text.splitlines() if line.startswith("| `")]

    expected = [
        f"| `{row['name']}` | {row['port']}/{row['protocol']} | {', '.join(row['groups'])} | "
        f"{row['from']} | {', '.join(row.get('cni', ['any']))} | {row['purpose']} |"
        for row in PORTS
    ]

    assert expected == shown
