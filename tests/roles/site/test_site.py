"""A site from bare hosts to its end, in the order in which people do it.

The tests of this file share the hosts and build on one another, top to bottom.
"""

import json
from typing import Any

import pytest

from roles.site.conftest import FIRST, LATER, SOONER
from roles.site.site_kit import ROOT, Run, Site, owned_paths

pytestmark = [pytest.mark.roles, pytest.mark.timeout(900)]

FOUR = [*FIRST, "cp2"]
PING = """---
- name: Ask every host
  hosts: cluster
  gather_facts: false
  tasks:
    - name: Ping
      ansible.builtin.ping:
"""
# dpkg asks this hook before it changes anything; a full disk ends a change in the same place.
FAULT = "/etc/apt/apt.conf.d/99-fault"
ETCDCTL = (
    "/srv/cluster/bin/etcdctl --endpoints=https://127.0.0.1:2379 "
    "--cacert=/etc/kubernetes/pki/etcd/ca.crt "
    "--cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt "
    "--key=/etc/kubernetes/pki/etcd/healthcheck-client.key "
)


def done(run: Run) -> Run:
    """The run, once it is known to have succeeded without a warning."""
    assert [] == run.failures
    assert 0 == run.rc
    assert [] == run.notices
    return run


def completed(playbook: str, *hosts: str) -> dict[str, Any]:
    """What the summary says of a playbook that went well on some hosts."""
    return {
        "playbook": playbook,
        "cluster": "site",
        "environment": "staging",
        "check_mode": False,
        "completed": True,
        "hosts": {"completed": sorted(hosts), "failed": []},
    }


def told(site: Site) -> dict[str, Any]:
    """The last summary, without the versions and the playbook's own result."""
    report = site.report()
    return {key: value for key, value in report.items() if key not in {"locked", "result"}}


def nodes(site: Site) -> dict[str, dict[str, Any]]:
    """The Node objects by name."""
    items = site.cluster.ask("GET", "/api/v1/nodes")[1]["items"]
    return {item["metadata"]["name"]: item for item in items}


def ready(site: Site) -> dict[str, str]:
    """Kubelet versions of the Ready nodes by name."""
    return {
        name: item["status"]["nodeInfo"]["kubeletVersion"]
        for name, item in nodes(site).items()
        if any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in item["status"]["conditions"]
        )
    }


def test_a_host_that_dies_is_named_and_the_others_go_on(site: Site) -> None:
    """A host that dies in the middle is named as unreachable; the others end the phase."""
    run = site.play("site", "--tags=preflight,base", stop=("worker1", "Write the pins"))
    site.run_podman("start", site.container("worker1"))

    assert 0 != run.rc
    assert {"worker1"} == {failure.split(":")[0] for failure in run.failures}
    assert {"completed": ["cp1", "gpu1"], "failed": ["worker1"]} == told(site)["hosts"]
    assert not told(site)["completed"]
    assert "" == site.shell("worker1", "command -v kubeadm", check=False)
    assert f"v{SOONER}\n" == site.shell("gpu1", "kubeadm version -o short")


def test_a_further_run_finishes_the_work(site: Site) -> None:
    """After the host is back, site.yml makes three Ready nodes, one with its driver running."""
    done(site.play("site"))

    assert completed("site", *FIRST) == told(site)
    assert dict.fromkeys(FIRST, f"v{SOONER}") == ready(site)
    assert "true" == nodes(site)["gpu1"]["metadata"]["labels"]["modelctl.dev/gpu"]
    assert 8 == site.shell("gpu1", "nvidia-smi -L").count("GPU ")
    assert "nvidia.com/gpu=all" in site.shell("gpu1", "nvidia-ctk cdi list")


def test_the_next_run_changes_nothing(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """A run on a finished site changes 0; its time is stated as a ratio to a ping of the hosts."""
    path = site.folder / "ping.yml"
    path.write_text(PING)
    ping = done(site.play(str(path)))
    run = done(site.play("site"))
    figures = {
        "ping_s": round(ping.seconds, 1),
        "site_s": round(run.seconds, 1),
        "ratio": round(run.seconds / ping.seconds, 1),
        "roles": run.roles(),
        "slowest": run.slowest(10),
    }
    site.repository.with_name("site-speed.json").write_text(json.dumps(figures, indent=1))
    with capsys.disabled():
        print(f"\nsite.yml's second run: {figures['ratio']} times an empty ping play")  # noqa: T201

    assert [] == run.changed


def test_every_object_was_applied_by_one_manager(site: Site) -> None:
    """The roles write objects by server-side apply under one field manager."""
    sent = [
        request
        for request in site.cluster.requests()
        if request["content_type"] == "application/apply-patch+yaml"
    ]

    assert {"modelctl-ansible"} == {request["field_manager"] for request in sent}


def test_the_verdict_is_a_table_and_json(site: Site) -> None:
    """verify.yml prints a line a check for people and writes the same findings for machines."""
    run = done(site.play("verify"))

    verdict = site.report()["result"]
    checks = {(found["check"], found["subject"]): found["found"] for found in verdict["findings"]}
    heading, *lines = run.printed("Print the verdict as a table")
    assert completed("verify", *FIRST) == told(site)
    assert verdict["ok"]
    assert 0 == verdict["counts"]["fail"]
    assert "Ready" == checks["node", "gpu1"]
    assert "8 devices" == checks["cdi", "gpu1"]
    assert ["level", "check", "subject", "found", "expected", "remedy"] == heading.split()
    assert len(verdict["findings"]) == len(lines)
    assert [] == run.changed


def test_a_control_plane_is_added(site: Site) -> None:
    """add_node.yml brings a second control plane into the cluster and leaves the others alone."""
    site.write_inventory(FOUR)
    run = done(site.play("add_node", "--limit=cp2"))

    assert completed("add_node", "cp2") == told(site)
    assert set(FOUR) == set(ready(site))
    assert {"cp1", "cp2"} >= {change.split(":")[0] for change in run.changed}


def test_a_failed_upgrade_leaves_its_node_cordoned(site: Site) -> None:
    """A step that fails on one node stops there; the node stays cordoned and says why."""
    site.locked["kubernetes"] = LATER
    site.shell("worker1", f"""echo 'DPkg::Pre-Invoke {{"echo disk full; false";}};' > {FAULT}""")
    run = site.play("upgrade")
    site.shell("worker1", f"rm {FAULT}")

    left = nodes(site)["worker1"]
    reason = left["metadata"]["annotations"]["modelctl.dev/maintenance-failed"]
    versions = {name: version for name, version in ready(site).items() if name != "gpu1"}
    assert 0 != run.rc
    assert all(word in run.failures[-1] for word in ("worker1: ", "found", "expected", "Remedy"))
    (failure,) = site.report()["failures"]
    assert "worker1" == failure["host"]
    assert failure["message"] in run.failures[-1]
    assert left["spec"]["unschedulable"]
    assert "Install kubeadm: " in reason
    assert "disk full" in reason
    assert {"cp1": f"v{LATER}", "cp2": f"v{LATER}", "worker1": f"v{SOONER}"} == versions
    assert f"v{SOONER}" == ready(site)["gpu1"]


def test_a_further_upgrade_finishes_the_work(site: Site) -> None:
    """Once mended, upgrade.yml changes the nodes that are behind and puts them back to work."""
    run = done(site.play("upgrade"))

    waiting = [name for name, node in nodes(site).items() if node["spec"].get("unschedulable")]
    drained = {
        change.split(":")[0] for change in run.changed if change.endswith(": Cordon the node")
    }
    assert completed("upgrade", *FOUR) == told(site)
    assert dict.fromkeys(FOUR, f"v{LATER}") == ready(site)
    assert [] == waiting
    assert {"gpu1"} == drained
    assert {} == {
        name: node["metadata"]["annotations"]
        for name, node in nodes(site).items()
        if "modelctl.dev/maintenance-failed" in node["metadata"].get("annotations", {})
    }


@pytest.mark.parametrize("playbook", ["remove_node", "restore", "reset"])
def test_destructive_playbooks_demand_the_clusters_name(site: Site, playbook: str) -> None:
    """Another name than the cluster's stops the playbook before it touches anything."""
    given = {"remove_node_name": "cp2", "restore_file": "/x", "restore_identity_file": "/x"}
    run = site.play(playbook, confirm_cluster="another", **given)

    assert 0 != run.rc
    assert [] == run.changed
    assert all(word in run.failures[0] for word in ("found", "expected", "Remedy", "another"))


def test_a_backup_brings_back_what_was_there(site: Site) -> None:
    """backup.yml makes an encrypted snapshot; restore.yml brings its keys back."""
    folder = site.folder / "backups"
    site.shell("cp1", f"{ETCDCTL} put /drill before")
    done(site.play("backup", backup_fetch_directory=str(folder)))
    backup = told(site)
    site.shell("cp1", f"{ETCDCTL} put /drill after")
    (snapshot,) = folder.glob("*.age")
    identity = str(site.folder / "age.key")
    done(site.play("restore", confirm_cluster="site", restore_file=str(snapshot),
                   restore_identity_file=identity))  # fmt: skip

    assert completed("backup", *FOUR) == backup
    assert [f"{snapshot.name}.sha256"] == [path.name for path in folder.glob("*.sha256")]
    assert completed("restore", *FOUR) == told(site)
    assert "before" in site.shell("cp1", f"{ETCDCTL} get /drill")
    assert set(FOUR) == set(ready(site))


def test_a_node_is_removed(site: Site) -> None:
    """remove_node.yml drains a control plane, deletes its node and cleans its host."""
    done(site.play("remove_node", confirm_cluster="site", remove_node_name="cp2"))
    removed = site.report()
    site.write_inventory(FIRST)

    assert {"removed": "cp2"} == removed["result"]
    assert set(FIRST) == set(ready(site))
    assert "" == site.shell("cp2", "find /etc/kubernetes -type f")


def test_reset_removes_what_the_roles_own(site: Site) -> None:
    """reset.yml leaves none of the owned paths, except those of the driver."""
    done(site.play("reset", confirm_cluster="site"))

    owned = [
        path for text in (ROOT / "roles").glob("*/meta/ownership.yml") for path in owned_paths(text)
    ]
    script = " ".join(f"ls -d {path} 2>/dev/null;" for path in owned)
    assert completed("reset", *FIRST) == told(site)
    assert dict.fromkeys(FIRST, "") == {name: site.shell(name, f"{script} true") for name in FIRST}
