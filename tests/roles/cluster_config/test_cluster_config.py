"""What the cluster's roles write, rendered by Ansible without a host."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.roles  # Ansible renders

ROOT = Path(__file__).parents[3]
ROLES = ("cluster_access", "kubernetes_packages", "control_plane_vip", "control_plane",
         "worker", "cni", "etcd_backup")  # fmt: skip
INVENTORY = {
    "cluster": {
        "children": {
            "control_plane": {"hosts": {"cp1": {}, "cp2": {}}},
            "workers": {"hosts": {"w1": {}, "gpu1": {}}},
        },
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
    },
    "gpu": {"hosts": {"gpu1": {}}},
}

Rendered = dict[str, dict[str, Any]]
Render = Callable[..., Rendered]


@pytest.fixture(scope="module")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Renders every host's configuration with variables laid over the defaults."""

    def run(**overrides: object) -> Rendered:
        folder = tmp_path_factory.mktemp("rendered")
        (folder / "inventory.yml").write_text(yaml.safe_dump(INVENTORY))
        (folder / "overrides.yml").write_text(json.dumps(overrides))
        extra = {"rendered_directory": str(folder), "rendered_overrides": f"{folder}/overrides.yml"}
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            "-i", str(folder / "inventory.yml"),
            "-e", json.dumps(extra),
            str(Path(__file__).with_name("render.yml")),
        ]  # fmt: skip
        environment = os.environ | {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(folder / "home")}
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=folder, env=environment
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}

    return run


@pytest.fixture(scope="module")
def default(render: Render) -> Rendered:
    """Every host's configuration by the defaults."""
    return render()


def by_kind(rendered: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The documents of kubeadm's configuration, by kind."""
    return {document["kind"]: document for document in rendered["init"]}


def flags(component: dict[str, Any]) -> dict[str, str]:
    """A component's extra arguments by name."""
    return {pair["name"]: pair["value"] for pair in component["extraArgs"]}


def test_kubeadm_reads_only_the_fourth_beta(default: Rendered) -> None:
    """Every kubeadm document is v1beta4: later versions read no other."""
    documents = [*default["cp1"]["init"], default["cp2"]["join"], default["w1"]["worker"]]
    versions = {d["apiVersion"] for d in documents if d["apiVersion"].startswith("kubeadm")}

    assert {"kubeadm.k8s.io/v1beta4"} == versions
    assert ["InitConfiguration", "ClusterConfiguration", "KubeletConfiguration",
            "KubeProxyConfiguration"] == [d["kind"] for d in default["cp1"]["init"]]  # fmt: skip


def test_extra_arguments_are_lists_of_strings(default: Rendered) -> None:
    """Extra arguments are name/value pairs of strings, sorted, so that a rerun writes the same."""
    cluster = by_kind(default["cp1"])["ClusterConfiguration"]
    parts = [cluster[name] for name in ("apiServer", "controllerManager", "scheduler")]

    for part in [*parts, cluster["etcd"]["local"]]:
        names = [pair["name"] for pair in part["extraArgs"]]
        assert sorted(names) == names
        assert all(isinstance(pair["value"], str) for pair in part["extraArgs"])
        assert all(pair.keys() == {"name", "value"} for pair in part["extraArgs"])


def test_the_api_server_reads_what_the_role_writes(default: Rendered) -> None:
    """Each file that a flag names lies in a folder that is mounted into the API server."""
    api_server = by_kind(default["cp1"])["ClusterConfiguration"]["apiServer"]
    mounts = [volume["mountPath"] for volume in api_server["extraVolumes"]]
    paths = [value for value in flags(api_server).values() if value.startswith("/")]

    assert 4 == len(paths)
    assert all(any(path.startswith(f"{mount}/") for mount in mounts) for path in paths)


def test_proxy_mode_is_never_ipvs(default: Rendered) -> None:
    """kube-proxy programs nftables, and the specification offers no ipvs."""
    specs = yaml.safe_load((ROOT / "roles/control_plane/meta/argument_specs.yml").read_text())
    mode = specs["argument_specs"]["main"]["options"]["control_plane_proxy_mode"]

    assert "nftables" == by_kind(default["cp1"])["KubeProxyConfiguration"]["mode"]
    assert ["nftables", "iptables"] == mode["choices"]


def test_feature_gates_reach_every_component(render: Render) -> None:
    """A feature gate is a lower-case boolean for every component and a boolean for the kubelet."""
    documents = by_kind(render(control_plane_feature_gates={"B": False, "A": True})["cp1"])
    cluster = documents["ClusterConfiguration"]

    for name in ("apiServer", "controllerManager", "scheduler"):
        assert "A=true,B=false" == flags(cluster[name])["feature-gates"]
    assert {"A": True, "B": False} == documents["KubeletConfiguration"]["featureGates"]


def test_pod_security_is_baseline_with_exemptions(default: Rendered) -> None:
    """Pod Security enforces baseline, warns of restricted, and leaves the system alone."""
    plugin = default["cp1"]["admission"]["plugins"][0]["configuration"]

    assert ("baseline", "restricted") == (plugin["defaults"]["enforce"], plugin["defaults"]["warn"])
    assert "kube-system" in plugin["exemptions"]["namespaces"]


def test_audit_never_logs_a_secret_body(default: Rendered) -> None:
    """The first rule that matches Secrets logs metadata alone."""
    rules = default["cp1"]["audit"]["rules"]
    resources = [
        [name for group in rule.get("resources", []) for name in group.get("resources", [])]
        for rule in rules
    ]
    matching = [rule for rule, names in zip(rules, resources, strict=True) if "secrets" in names]
    earlier = rules[: rules.index(matching[0])]

    assert "Metadata" == matching[0]["level"]
    assert all(rule["level"] == "None" for rule in earlier)


@pytest.mark.parametrize("provider", ["secretbox", "aescbc"])
def test_new_secrets_are_encrypted_old_ones_still_read(render: Render, provider: str) -> None:
    """The first provider encrypts; identity comes last, so that what was plain is still read."""
    found = render(control_plane_encryption_provider=provider)["cp1"]["encryption"]
    providers = [next(iter(entry)) for entry in found["resources"][0]["providers"]]

    assert [provider, "identity"] == providers


def test_without_hardening_nothing_of_it_is_asked_for(render: Render) -> None:
    """Audit, encryption and admission leave no flag behind when they are switched off."""
    rendered = render(
        control_plane_audit_enabled=False,
        control_plane_pod_security_enabled=False,
        control_plane_encryption_provider="none",
    )
    found = flags(by_kind(rendered["cp1"])["ClusterConfiguration"]["apiServer"])

    assert {"anonymous-auth", "authorization-mode", "profiling"} == set(found)


def test_the_version_is_not_part_of_the_digest(default: Rendered, render: Render) -> None:
    """Another version changes no live control plane; another certificate name does."""
    other_version = render(control_plane_version="1.36.3")["cp1"]
    other_name = render(control_plane_api_sans=["bastion.example.com"])["cp1"]

    assert default["cp1"]["digest"] == other_version["digest"]
    assert default["cp1"]["digest"] != other_name["digest"]
    assert ["api.example.com", "bastion.example.com"] == by_kind(other_name)[
        "ClusterConfiguration"
    ]["apiServer"]["certSANs"]


def test_joining_pins_the_authority(default: Rendered) -> None:
    """A join trusts only the hashed authority, and only a control plane holds the key."""
    worker, other = default["w1"]["worker"], default["cp2"]["join"]
    found = worker["discovery"]["bootstrapToken"]

    assert "abcdef.0123456789abcdef" == found["token"]
    assert [f"sha256:{'a' * 64}"] == found["caCertHashes"]
    assert "b" * 64 == other["controlPlane"]["certificateKey"]
    assert "controlPlane" not in worker


# Variables of role control_plane that say how the role works; what they write is no configuration.
WORKING = re.compile(
    r"_(hosts|timeout|token_ttl|renewal_days|renewal_forced|version|node_name|schedulable"
    r"|advertise_address|bind_port|cri_socket)$"
)
# Read when the key is made; what a live cluster does with another value is in encryption.yml.
ENCRYPTION = {"control_plane_encryption_resources"}


def reached(names: set[str], texts: dict[str, str]) -> set[str]:
    """All variables that the templates of `names` read, those that they lead to with them."""
    found: set[str] = set()
    while names - found:
        found |= names
        text = " ".join(texts.get(name, "") for name in names)
        names = found | set(re.findall(r"\b(?:__)?control_plane_\w+", text))
    return found


def test_every_variable_reaches_a_live_control_plane_or_is_refused() -> None:
    """A variable is part of what is brought to a live host, or of what it was made with."""
    specs = yaml.safe_load((ROOT / "roles/control_plane/meta/argument_specs.yml").read_text())
    variables = yaml.safe_load((ROOT / "roles/control_plane/vars/main.yml").read_text())
    texts = {name: json.dumps(value) for name, value in variables.items()}
    held = reached({"__control_plane_digest", "__control_plane_made_digest"}, texts)
    asked = {
        name for name in specs["argument_specs"]["main"]["options"] if not WORKING.search(name)
    }

    assert set() == asked - held - ENCRYPTION


def test_a_changed_gate_is_brought_and_not_refused(render: Render, default: Rendered) -> None:
    """A feature gate reaches the live components, so that a wrong one can be corrected."""
    other = render(control_plane_feature_gates={"Some": True})["cp1"]

    assert default["cp1"]["made"] == other["made"]
    assert default["cp1"]["digest"] != other["digest"]


def test_changed_flags_of_etcd_are_seen(render: Render, default: Rendered) -> None:
    """The static pod of etcd is written anew where it lacks a flag, and only there."""
    other = render(control_plane_etcd_args={"quota-backend-bytes": "4294967296"})

    assert not default["cp1"]["etcd_differs"]
    assert other["cp1"]["etcd_differs"]


def test_what_moves_the_address_outlives_a_reset() -> None:
    """After kubeadm reset emptied the folder of static pods, kube-vip's is written again."""
    names = [
        task.get("ansible.builtin.include_role", {}).get("name")
        or " ".join(task.get("ansible.builtin.command", {}).get("argv", [])[:2])
        for task in yaml.safe_load((ROOT / "roles/control_plane/tasks/clear.yml").read_text())
    ]

    assert "control_plane_vip" == names[names.index("kubeadm reset") + 1]


def level_of(policy: dict[str, Any], user: str, verb: str, group: str, resource: str) -> str:
    """The level that an audit policy gives a request: the first rule that matches decides."""
    for rule in policy["rules"]:
        named = {
            (item.get("group", ""), kind)
            for item in rule.get("resources", [])
            for kind in item.get("resources", [resource])
        }
        if (
            user in rule.get("users", [user])
            and verb in rule.get("verbs", [verb])
            and not rule.get("userGroups")
            and "nonResourceURLs" not in rule
            and (not named or (group, resource) in named)
        ):
            return str(rule["level"])
    return "None"


@pytest.mark.parametrize(
    ("user", "verb", "group", "resource", "level"),
    [
        ("system:kube-controller-manager", "update", "coordination.k8s.io", "leases", "None"),
        ("system:node:w1", "patch", "coordination.k8s.io", "leases", "None"),
        ("system:serviceaccount:kube-system:kube-proxy", "watch", "", "services", "None"),
        ("alice", "delete", "coordination.k8s.io", "leases", "Request"),
        ("alice", "get", "", "secrets", "Metadata"),
        ("alice", "create", "", "pods", "Request"),
    ],
)
def test_the_audit_log_holds_what_people_do(
    default: Rendered, *, user: str, verb: str, group: str, resource: str, level: str
) -> None:
    """Heartbeats and watches of the system's own parts would fill the log in days."""
    assert level == level_of(default["cp1"]["audit"], user, verb, group, resource)


def test_the_lab_registers_without_a_taint(render: Render, default: Rendered) -> None:
    """A schedulable control plane has an empty list of taints, any other leaves them to kubeadm."""
    lab = by_kind(render(control_plane_schedulable=True)["cp1"])["InitConfiguration"]

    assert [] == lab["nodeRegistration"]["taints"]
    assert "taints" not in by_kind(default["cp1"])["InitConfiguration"]["nodeRegistration"]


def test_kube_vip_starts_with_super_admin_on_one_host(default: Rendered) -> None:
    """Only the first control plane's kube-vip reads super-admin.conf; its image is a digest."""
    paths = {
        host: default[host]["vip"]["spec"]["volumes"][0]["hostPath"]["path"]
        for host in ("cp1", "cp2")
    }
    container = default["cp1"]["vip"]["spec"]["containers"][0]

    expected = {"cp1": "/etc/kubernetes/super-admin.conf", "cp2": "/etc/kubernetes/admin.conf"}
    assert expected == paths
    assert re.search(r"@sha256:[0-9a-f]{64}$", container["image"])
    assert all(isinstance(e.get("value", ""), str) for e in container["env"])
    assert {"name": "address", "value": "api.example.com"} in container["env"]


def test_gpu_nodes_are_marked(default: Rendered) -> None:
    """A GPU node registers with its taint, gets its label and a topology manager."""
    gpu, plain = default["gpu1"], default["w1"]

    taints = gpu["worker"]["nodeRegistration"]["taints"]
    assert [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}] == taints
    assert {"modelctl.dev/gpu": "true"} == gpu["labels"]
    assert "best-effort" == gpu["kubelet"]["topologyManagerPolicy"]
    assert ([], {}) == (plain["worker"]["nodeRegistration"]["taints"], plain["labels"])


def test_a_manager_policy_counts_as_changed_against_what_ran(render: Render) -> None:
    """A node that runs with another policy is told apart from one that was never configured."""
    wanted = {"cpuManagerPolicy": "static", "reservedSystemCPUs": "0"}
    ran = json.dumps({"kind": "KubeletConfiguration", "cpuManagerPolicy": "none"})
    changed = render(worker_kubelet_configuration=wanted, worker_applied=ran)["w1"]["managers"]
    fresh = render(worker_kubelet_configuration=wanted)["w1"]["managers"]

    assert ["cpuManagerPolicy", "reservedSystemCPUs"] == changed
    assert [] == fresh


def tasks_of(role: str) -> Iterator[dict[str, Any]]:
    """Every task of a role, those inside blocks too."""

    def walk(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for task in tasks:
            yield task
            for part in ("block", "rescue", "always"):
                yield from walk(task.get(part, []))

    for path in sorted((ROOT / "roles" / role / "tasks").glob("*.yml")):
        yield from walk(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize("role", ROLES)
def test_files_with_secrets_are_read_by_root_alone(role: str) -> None:
    """What holds a key, a token or an identity is written 0600 and never logged."""
    secret = re.compile(r"join_document|encryption_file|_identity")
    for task in tasks_of(role):
        copy = task.get("ansible.builtin.copy") or task.get("ansible.builtin.template")
        if copy and secret.search(str(copy)):
            assert ("0600", True) == (copy["mode"], task.get("no_log")), task["name"]


@pytest.mark.parametrize("role", ROLES)
def test_commands_with_secrets_are_not_logged(role: str) -> None:
    """Making a token, uploading certificates and opening a backup log nothing."""
    secret = re.compile(r"token.*create|upload-certs|token_bytes|--identity")
    for task in tasks_of(role):
        command = task.get("ansible.builtin.command")
        if command and secret.search(str(command)):
            assert task.get("no_log") is True, task["name"]


@pytest.mark.parametrize("role", ROLES)
def test_every_refusal_names_found_expected_and_remedy(role: str) -> None:
    """A failure says which host, what was found, what was expected, and what to do."""
    for task in tasks_of(role):
        check = task.get("ansible.builtin.assert") or task.get("ansible.builtin.fail")
        if check:
            text = str(check.get("fail_msg") or check.get("msg"))
            assert re.match(r"\{\{ \w+ \}\}: found .+expected .+[.:] ?[A-Z]", text, re.DOTALL), text
