"""A site from bare hosts to its end, in the order in which people do it.

The tests of this file share the hosts and build on one another, top to bottom.
"""

import json
import threading
import time

import pytest

from roles.site.conftest import FIRST
from roles.site.site_kit import ROOT, Run, Site, owned_paths

pytestmark = [pytest.mark.roles, pytest.mark.timeout(900)]

PING = """---
- name: Ask every host
  hosts: cluster
  gather_facts: false
  tasks:
    - name: Ping
      ansible.builtin.ping:
"""


def done(run: Run) -> Run:
    """The run, once it is known to have succeeded without a warning."""
    assert [] == run.failures
    assert 0 == run.rc
    assert [] == run.notices
    return run


def ready(site: Site) -> dict[str, str]:
    """Kubelet versions of the Ready nodes by name."""
    items = site.cluster.ask("GET", "/api/v1/nodes")[1]["items"]
    return {
        item["metadata"]["name"]: item["status"]["nodeInfo"]["kubeletVersion"]
        for item in items
        if any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for condition in item["status"]["conditions"]
        )
    }


def test_a_host_that_dies_is_named_and_the_others_go_on(site: Site) -> None:
    """A host that dies in the middle of site.yml is unreachable; the run says so and fails."""
    container = site.container("worker1")

    def kill() -> None:
        """Stop the host once its packages are being configured."""
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            found = site.shell("worker1", "test -e /etc/apt/preferences.d/modelctl.pref && echo y",
                               check=False)  # fmt: skip
            if found:
                site.run_podman("stop", "--time=0", container, check=False)
                return
            time.sleep(0.5)

    thread = threading.Thread(target=kill)
    thread.start()
    run = site.play("site")
    thread.join()
    site.run_podman("start", container)

    assert 0 != run.rc
    assert any(failure.startswith("worker1: ") for failure in run.failures)


def test_a_further_run_finishes_the_work(site: Site) -> None:
    """After the host is back, site.yml makes three Ready nodes, one with its driver running."""
    done(site.play("site"))

    assert dict.fromkeys(FIRST, "v1.36.4") == ready(site)
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


def test_a_node_is_added(site: Site) -> None:
    """add_node.yml brings a fourth host into the cluster and leaves the others alone."""
    site.write_inventory([*FIRST, "late1"])
    done(site.play("add_node", "--limit late1,cp1"))

    assert {*FIRST, "late1"} == set(ready(site))


def test_the_cluster_is_upgraded(site: Site) -> None:
    """upgrade.yml brings every node to the next locked minor version, node by node."""
    site.locked["kubernetes"] = "1.37.1"
    done(site.play("upgrade"))

    assert dict.fromkeys([*FIRST, "late1"], "v1.37.1") == ready(site)


@pytest.mark.parametrize("playbook", ["remove_node", "restore", "reset"])
def test_destructive_playbooks_demand_the_clusters_name(site: Site, playbook: str) -> None:
    """Another name than the cluster's stops the playbook before it touches anything."""
    given = {"remove_node_name": "late1", "restore_file": "/x", "restore_identity_file": "/x"}
    run = site.play(playbook, confirm_cluster="another", **given)

    assert 0 != run.rc
    assert [] == run.changed
    assert all(word in run.failures[0] for word in ("found", "expected", "Remedy", "another"))


def test_a_node_is_removed(site: Site) -> None:
    """remove_node.yml drains a node, deletes it and cleans its host."""
    done(site.play("remove_node", confirm_cluster="site", remove_node_name="late1"))
    site.write_inventory(FIRST)

    assert set(FIRST) == set(ready(site))
    assert "" == site.shell("late1", "ls /etc/kubernetes/kubelet.conf", check=False)


def test_a_backup_brings_back_what_was_there(site: Site) -> None:
    """backup.yml makes an encrypted snapshot; restore.yml brings its keys back."""
    folder = site.folder / "backups"
    etcdctl = (
        "ETCDCTL_API=3 etcdctl --endpoints=https://127.0.0.1:2379 "
        "--cacert=/etc/kubernetes/pki/etcd/ca.crt "
        "--cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt "
        "--key=/etc/kubernetes/pki/etcd/healthcheck-client.key "
    )
    site.shell("cp1", f"{etcdctl} put /drill before")
    done(site.play("backup", backup_fetch_directory=str(folder)))
    site.shell("cp1", f"{etcdctl} put /drill after")
    (snapshot,) = [path for path in folder.rglob("*.age") if path.is_file()]
    identity = str(site.folder / "age.key")
    done(site.play("restore", confirm_cluster="site", restore_file=str(snapshot),
                   restore_identity_file=identity))  # fmt: skip

    assert "before" in site.shell("cp1", f"{etcdctl} get /drill")


def test_reset_removes_what_the_roles_own(site: Site) -> None:
    """reset.yml leaves none of the owned paths, except those of the driver."""
    done(site.play("reset", confirm_cluster="site"))

    owned = [
        path for text in (ROOT / "roles").glob("*/meta/ownership.yml") for path in owned_paths(text)
    ]
    script = " ".join(f"ls -d {path} 2>/dev/null;" for path in owned)
    assert {"cp1": "", "worker1": ""} == {
        name: site.shell(name, f"{script} true") for name in ("cp1", "worker1")
    }
