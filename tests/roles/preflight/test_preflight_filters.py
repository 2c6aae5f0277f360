"""The findings of preflight: each fault is named with host, found, expected and remedy."""
# ruff: noqa: ANN401 - plugin modules are loaded by path, so their types cannot be named

from __future__ import annotations

import copy
import importlib.util
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("ansible.errors", reason="make setup-roles installs Ansible")

ROLES = Path(__file__).parents[3] / "roles"
PORTS = yaml.safe_load((ROLES / "firewall/vars/ports.yml").read_text())["firewall_port_table"]
KNOWN = {
    "nvidia_driver_branch": {"owner": "nvidia_driver", "type": "str"},
    "firewall_enabled": {"owner": "firewall", "type": "bool"},
    "cluster_name": {"owner": "preflight", "type": "str"},
}
SETTINGS = {
    "memory_mb": 1900,
    "cpus": 2,
    "disk_mb": 20000,
    "disk_path": "/var/lib",
    "clock_skew_s": 5,
    "distributions": ["Debian 12", "Ubuntu 24.04"],
    "cni": "calico",
    "ports": PORTS,
    "kubernetes": "1.36.4",
    "driver_branch": "580",
    "driver_flavor": "",
    "signed_modules": False,
}
HEALTHY = {
    "distribution": "Debian 12",
    "cgroup_v2": True,
    "live": False,
    "swap": [],
    "memory_mb": 4000,
    "cpus": 4,
    "disk_mb": 50000,
    "clock_skew_s": 0.4,
    "listeners": 'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))',
    "kubelet_version": "",
    "groups": ["control_plane"],
    "identity": {"hostname": "a", "machine_id": "1", "mac": "02:00:00:00:00:01"},
    "gpu": {},
}
GPU = {
    "count": 1,
    "findings": [],
    "branches": {"min": 570, "max": None},
    "module_flavors": ["open"],
    "secure_boot": False,
    "mok_enrolled": False,
}


def load(name: str) -> Any:
    """Module of one of the role's plugins."""
    path = next((ROLES / "preflight").glob(f"*_plugins/{name}.py"))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hosts, inventory, variables, specs = (
    load(f"preflight_{name}") for name in ("hosts", "inventory", "variables", "specs")
)


def on_host(**changes: object) -> list[dict[str, str]]:
    """Findings on one host that is healthy but for `changes`."""
    facts = {**copy.deepcopy(HEALTHY), **changes}
    found: list[dict[str, str]] = hosts.host_findings({"a": facts}, settings=SETTINGS)
    return found


def in_inventory(**changes: Any) -> list[dict[str, str]]:
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


def test_a_healthy_host_has_no_finding() -> None:
    """Nothing is said of a host that is as a node must be."""
    assert on_host() == []


@pytest.mark.parametrize(
    ("check", "changes"),
    [
        ("cgroup-v2", {"cgroup_v2": False}),
        ("swap", {"swap": ["/dev/vdb"]}),
        ("memory", {"memory_mb": 1000}),
        ("cpu", {"cpus": 1}),
        ("disk", {"disk_mb": 19999}),
        ("clock", {"clock_skew_s": -40.0}),
        ("clock", {"clock_skew_s": 40.0}),
        ("distribution", {"distribution": "Debian 11"}),
        ("port", {"listeners": 'tcp LISTEN 0 9 *:6443 *:* users:(("nginx",pid=7,fd=3))'}),
        ("port", {"listeners": "udp UNCONN 0 0 0.0.0.0:4789 0.0.0.0:*"}),
        ("version-skew", {"kubelet_version": "v1.37.0"}),
        ("version-skew", {"kubelet_version": "v1.32.9"}),
        ("gpu", {"groups": ["gpu"], "gpu": {"count": 0}}),
        (
            "gpu-driver-branch",
            {"groups": ["gpu"], "gpu": GPU | {"branches": {"min": 590, "max": None}}},
        ),
        (
            "gpu-driver-branch",
            {"groups": ["gpu"], "gpu": GPU | {"branches": {"min": 0, "max": 570}}},
        ),
        ("secure-boot", {"groups": ["gpu"], "gpu": GPU | {"secure_boot": True}}),
    ],
)
def test_each_fault_of_a_host_is_told(check: str, changes: dict[str, object]) -> None:
    """One fault gives one finding with host, found, expected and remedy."""
    (finding,) = on_host(**changes)

    assert finding["check"] == check
    assert finding["host"] == "a"
    assert all(finding[field] for field in ("found", "expected", "remedy"))


def test_a_busy_port_names_the_program() -> None:
    """The remedy names who listens, so that nobody has to look."""
    line = 'tcp LISTEN 0 9 [::]:10250 [::]:* users:(("k3s",pid=7,fd=3))'

    (finding,) = on_host(listeners=line)

    assert "k3s on port tcp/10250" in finding["found"]


def test_ports_of_another_network_provider_may_be_in_use() -> None:
    """Flannel's port does not matter where Calico is chosen."""
    assert on_host(listeners="udp UNCONN 0 0 0.0.0.0:8472 0.0.0.0:*") == []


def test_a_live_node_keeps_its_ports() -> None:
    """A second run does not complain of the ports that Kubernetes itself has opened."""
    line = 'tcp LISTEN 0 9 *:6443 *:* users:(("kube-apiserver",pid=7,fd=3))'

    assert on_host(listeners=line, live=True) == []


def test_swap_on_a_new_host_only_warns() -> None:
    """The next role switches it off; on a live node it is an error."""
    severities = [on_host(swap=["/dev/vdb"], live=live)[0]["severity"] for live in (False, True)]

    assert severities == ["warning", "error"]


def test_a_wrong_module_flavour_is_told() -> None:
    """Proprietary modules on a GPU that takes only open ones would show no device."""
    facts = {"a": HEALTHY | {"groups": ["gpu"], "gpu": GPU}}

    (finding,) = hosts.host_findings(facts, settings=SETTINGS | {"driver_flavor": "proprietary"})

    assert finding["check"] == "gpu-module-flavor"
    assert finding["expected"] == "open"


@pytest.mark.parametrize("accepted", [{"mok_enrolled": True}, {"secure_boot": False}])
def test_secure_boot_with_a_plan_passes(accepted: dict[str, bool]) -> None:
    """An enrolled key, or secure boot off, is a plan."""
    gpu = GPU | {"secure_boot": True} | accepted

    assert on_host(groups=["gpu"], gpu=gpu) == []


def test_signed_modules_pass_secure_boot() -> None:
    """Modules that the distribution signed are the third plan."""
    facts = {"a": HEALTHY | {"groups": ["gpu"], "gpu": GPU | {"secure_boot": True}}}

    assert hosts.host_findings(facts, settings=SETTINGS | {"signed_modules": True}) == []


def test_findings_of_gpu_facts_are_passed_on() -> None:
    """What gpu_facts found stands in the same verdict, blocking ones as errors."""
    finding = {
        "rule": "bound-to-vfio",
        "device": "0000:01:00.0",
        "found": "driver vfio-pci",
        "expected": "nvidia",
        "remedy": "unbind it",
        "blocking": False,
    }

    (found,) = on_host(groups=["gpu"], gpu=GPU | {"findings": [finding]})

    assert (found["check"], found["severity"]) == ("gpu-bound-to-vfio", "warning")


@pytest.mark.parametrize("kind", ["hostname", "machine_id", "mac"])
def test_cloned_hosts_are_told(kind: str) -> None:
    """Two hosts that share an identity are named together."""
    other = {"hostname": "b", "machine_id": "2", "mac": "02:00:00:00:00:02"}
    shared = HEALTHY["identity"][kind]  # type: ignore[index] # a literal of this module
    clone = HEALTHY | {"identity": {**other, kind: shared}}

    (finding,) = hosts.host_findings({"a": HEALTHY, "b": clone}, settings=SETTINGS)

    assert (finding["check"], finding["host"]) == ("duplicate-identity", "a, b")


def test_all_findings_come_at_once() -> None:
    """Nobody has to run preflight once for each fault."""
    found = on_host(cgroup_v2=False, memory_mb=1, clock_skew_s=99.0)

    assert [finding["check"] for finding in found] == ["cgroup-v2", "memory", "clock"]


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
