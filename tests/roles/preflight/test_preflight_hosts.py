"""The findings of preflight: each fault is named with host, found, expected and remedy."""

from __future__ import annotations

import copy

import pytest
import yaml

pytest.importorskip("ansible.errors", reason="make setup-roles installs Ansible")

from harness.content import PROJECT
from harness.plugins import load

ROLES = PROJECT / "roles"

PORTS = yaml.safe_load((ROLES / "firewall/vars/ports.yml").read_text())["firewall_port_table"]
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


hosts = load(ROLES / "preflight/filter_plugins/preflight_hosts.py")


def on_host(**changes: object) -> list[dict[str, str]]:
    """Findings on one host that is healthy but for `changes`."""
    facts = {**copy.deepcopy(HEALTHY), **changes}
    found: list[dict[str, str]] = hosts.host_findings({"a": facts}, settings=SETTINGS)
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


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        (
            "cp1: found recipients [], expected at least one age public key (age1...). Make one.",
            (
                "recipients []",
                "at least one age public key (age1...)",
                "Make one",
            ),
        ),
        (
            "Key of repository x. Found: a revoked key. Expected: one key. Remedy: get it again.",
            ("a revoked key", "one key", "get it again"),
        ),
        ("boom", ("boom", "what etcd_backup needs", "see roles/etcd_backup/README.md")),
    ],
)
def test_a_refusal_of_a_role_becomes_a_finding(message: str, parts: tuple[str, str, str]) -> None:
    """What a role would refuse later stands in the verdict, in the role's own words."""
    failed = {"results": [{"failed": False, "msg": "fine"}, {"failed": True, "msg": message}]}

    found = hosts.refusal(failed, role="etcd_backup", host="cp1")

    assert ("role-etcd_backup", "error", "cp1") == (
        found["check"], found["severity"], found["host"],
    )  # fmt: skip
    assert parts == (found["found"], found["expected"], found["remedy"])


def test_every_role_that_states_refusals_is_asked() -> None:
    """Preflight names each role that has a file tasks/refuse.yml."""
    stated = {path.parents[1].name for path in ROLES.glob("*/tasks/refuse.yml")}
    asked = yaml.safe_load((ROLES / "preflight/vars/main.yml").read_text())["__preflight_refusing"]

    assert set() == {role for role in stated if f"'{role}'" not in asked}
