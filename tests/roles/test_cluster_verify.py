"""What role cluster_verify makes of a cluster's state."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from harness.plugins import load

REPOSITORY = Path(__file__).parents[2]
PATH = REPOSITORY / "roles/cluster_verify/filter_plugins/cluster_verify.py"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
EXPECTED = {
    "now": NOW.timestamp(),
    "hosts": ["cp-1", "gpu-1"],
    "kubernetes": "1.36.4",
    "containerd": "2.3.6",
    "gpus_required": False,
    "certificate_min_days": 30,
    "backup_max_age_h": 24,
}


@pytest.fixture(scope="module")
def verify() -> ModuleType:
    """The filters of role cluster_verify."""
    return load(PATH)


def node(name: str, **allocatable: str) -> dict[str, Any]:
    """A Ready node at the locked versions."""
    info = {"kubeletVersion": "v1.36.4", "containerRuntimeVersion": "containerd://2.3.6"}
    return {
        "metadata": {"name": name},
        "spec": {},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "nodeInfo": info,
            "allocatable": allocatable,
        },
    }


def state() -> dict[str, Any]:
    """A cluster of two nodes in which everything is as it should be."""
    end = (NOW + timedelta(days=200)).isoformat().replace("+00:00", "Z")
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    root = {"sync": {"status": "Synced"}, "health": {"status": "Healthy"}}
    return {
        "nodes": [node("cp-1"), node("gpu-1", **{"nvidia.com/gpu": "2"})],
        "pods": [{"metadata": {"namespace": "kube-system", "name": "dns"}, "status": ready}],
        "applications": [{"metadata": {"name": "root"}, "status": root}],
        "hosts": {
            "cp-1": {
                "certificates": {"certificates": [{"name": "apiserver", "expirationDate": end}]},
                "backups": [{"mtime": NOW.timestamp() - 3600}],
            },
            "gpu-1": {
                "gpus": 2,
                "cdi": ["nvidia.com/gpu=0", "nvidia.com/gpu=1", "nvidia.com/gpu=all"],
            },
        },
    }


def not_passed(
    verify: ModuleType, found: dict[str, Any], **expected: object
) -> list[tuple[str, str]]:
    """Level and check of every finding that is not a pass."""
    verdict = verify.verdict(found, EXPECTED | expected)
    return [(f["level"], f["check"]) for f in verdict["findings"] if f["level"] != "pass"]


def test_a_good_cluster_passes(verify: ModuleType) -> None:
    """Nothing is reported of a cluster that is as it should be, and no remedy is given."""
    verdict = verify.verdict(state(), EXPECTED)

    assert verdict["ok"]
    assert {"fail": 0, "warn": 0} == {k: verdict["counts"][k] for k in ("fail", "warn")}
    assert {""} == {finding["remedy"] for finding in verdict["findings"]}


def test_a_host_without_node_fails(verify: ModuleType) -> None:
    """A host of the inventory that is no node fails, with the command that adds it."""
    found = state()
    del found["nodes"][1]

    verdict = verify.verdict(found, EXPECTED)

    assert not verdict["ok"]
    assert any("add_node.yml --limit gpu-1" in finding["remedy"] for finding in verdict["findings"])


@pytest.mark.parametrize(
    ("conditions", "spec", "annotations", "level"),
    [
        ([{"type": "Ready", "status": "Unknown"}], {}, {}, "fail"),
        ([{"type": "Ready", "status": "True"}], {"unschedulable": True}, {}, "warn"),
        (
            [{"type": "Ready", "status": "True"}],
            {"unschedulable": True},
            {"modelctl.dev/maintenance-failed": "driver"},
            "fail",
        ),
    ],
)
def test_a_node_out_of_service_is_reported(
    verify: ModuleType,
    conditions: list[dict[str, str]],
    spec: dict[str, Any],
    annotations: dict[str, str],
    level: str,
) -> None:
    """Not Ready and a failed change fail; a cordon that somebody made is a warning."""
    found = state()
    found["nodes"][0]["status"]["conditions"] = conditions
    found["nodes"][0]["spec"] = spec
    found["nodes"][0]["metadata"]["annotations"] = annotations

    assert [(level, "node")] == not_passed(verify, found)


def test_another_version_fails(verify: ModuleType) -> None:
    """A kubelet that is not the locked one fails."""
    assert [("fail", "kubelet")] * 2 == not_passed(verify, state(), kubernetes="1.36.5")


def test_gpus_that_nobody_advertises_are_a_warning_first(verify: ModuleType) -> None:
    """Before the device plugin runs a node has no GPUs to offer; that is required on demand."""
    found = state()
    found["nodes"][1] = node("gpu-1")

    assert [("warn", "allocatable GPUs")] == not_passed(verify, found)
    assert [("fail", "allocatable GPUs")] == not_passed(verify, found, gpus_required=True)


def test_a_lost_gpu_fails_twice(verify: ModuleType) -> None:
    """One GPU fewer than the host has fails in CDI and in what the node offers."""
    found = state()
    found["hosts"]["gpu-1"]["cdi"] = ["nvidia.com/gpu=0"]
    found["nodes"][1] = node("gpu-1", **{"nvidia.com/gpu": "1"})

    assert [("fail", "cdi"), ("fail", "allocatable GPUs")] == not_passed(verify, found)


def test_slices_of_gpus_count(verify: ModuleType) -> None:
    """MIG slices and shared GPUs are GPUs that a node offers."""
    resources = {"nvidia.com/mig-1g.10gb": "7", "nvidia.com/gpu.shared": "4", "cpu": "8"}

    assert 11 == verify.allocatable(node("gpu-1", **resources))


def test_certificates_that_end_soon_fail(verify: ModuleType) -> None:
    """The certificate that ends first decides, and the remedy is the playbook that renews."""
    assert [("fail", "certificates")] == not_passed(verify, state(), certificate_min_days=201)


def test_an_old_backup_fails_and_none_warns(verify: ModuleType) -> None:
    """A backup that is too old fails; a cluster that has none yet is warned of."""
    found = state()

    assert [("fail", "etcd backup")] == not_passed(verify, found, backup_max_age_h=0)
    found["hosts"]["cp-1"]["backups"] = []
    assert [("warn", "etcd backup")] == not_passed(verify, found)


FAILED = [("fail", "argocd"), ("warn", "argocd")]


def not_compared(kind: str = "ComparisonError", message: str = "refused") -> dict[str, Any]:
    """The status of an Application that cannot be compared with git."""
    condition = {"type": kind, "message": message}
    return {"sync": {"status": "Unknown"}, "conditions": [condition]}


@pytest.mark.parametrize(
    ("name", "status", "expected"),
    [
        ("root", {"sync": {"status": "OutOfSync"}}, [("fail", "argocd")]),
        ("root", {}, [("warn", "argocd")]),
        ("linear", {"sync": {"status": "OutOfSync"}}, [("warn", "argocd")] * 2),
        ("linear", not_compared("InvalidSpecError", "no such repository"), FAILED),
        ("linear", not_compared("ComparisonError", "connection refused"), FAILED),
        (
            "linear",
            not_compared("ComparisonError", "apps/x: app path does not exist"),
            [("warn", "argocd")] * 2,
        ),
    ],
)
def test_applications_are_reported(
    verify: ModuleType, name: str, status: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """The root's failure fails the cluster; a model's is its owner's; no root is a warning."""
    found = state()
    found["applications"] = [{"metadata": {"name": name}, "status": status}]
    if name != "root":
        found["applications"].append({"metadata": {"name": "root"}, "status": {}})

    assert expected == not_passed(verify, found)


def test_a_sample_address_is_named(verify: ModuleType) -> None:
    """An Application that still reads the sample's repository says so, with what to edit."""
    source = {"repoURL": "https://git.example.com/platform/models.git"}
    app = {"metadata": {"name": "root"}, "spec": {"source": source}, "status": not_compared()}

    found = verify.application_finding("root", app)

    assert "fail" == found["level"]
    assert "argocd/environments.yaml" in found["remedy"]


def test_a_pod_that_does_not_run_is_named(verify: ModuleType) -> None:
    """Each pod of the system that is not Ready gets a line of its own."""
    found = state()
    found["pods"].append(
        {"metadata": {"namespace": "kube-system", "name": "x"}, "status": {"phase": "Pending"}}
    )

    assert [("fail", "pod")] == not_passed(verify, found)


def test_the_table_starts_with_what_failed(verify: ModuleType) -> None:
    """A person reads the failures first, under a line of headings."""
    found = state()
    found["nodes"][1]["status"]["conditions"] = []

    lines = verify.table(verify.verdict(found, EXPECTED)["findings"])

    assert lines[0].startswith("level")
    assert lines[1].startswith("fail")
    assert "journalctl -u kubelet" in lines[1]
