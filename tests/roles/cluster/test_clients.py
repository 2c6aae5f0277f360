"""The real clients work against the double: kubernetes, and kubernetes.core by ansible."""

import http.client
import json
import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from roles.cluster.process import Cluster

pytestmark = pytest.mark.roles

Json = Any
DEFINITION = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "namespace": "work"},
    "data": {"k": "1"},
}
APPLY = {
    "definition": DEFINITION,
    "apply": True,
    "server_side_apply": {"field_manager": "modelctl-ansible", "force_conflicts": True},
}


def play(
    cluster: Cluster, folder: Path, module: str, *flags: str, **options: Json
) -> dict[str, Any]:
    """The result of one kubernetes.core module, run by ansible-playbook."""
    task = {
        "name": "Call the module",
        f"kubernetes.core.{module}": {"kubeconfig": str(cluster.kubeconfig), **options},
    }
    book = [{"name": "Call", "hosts": "localhost", "gather_facts": False, "tasks": [task]}]
    path = folder / "play.yml"
    path.write_text(yaml.safe_dump(book))
    (folder / "ansible.cfg").write_text("")
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c"]
    done = subprocess.run(
        [*command, "local", "-e", f"ansible_python_interpreter={sys.executable}", *flags, path],
        env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "HOME": str(folder),
             "TMPDIR": str(folder), "ANSIBLE_CONFIG": str(folder / "ansible.cfg")},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    found = json.loads(done.stdout[done.stdout.index("{") :])
    result: dict[str, Any] = found["plays"][0]["tasks"][0]["hosts"]["localhost"]
    return result


def test_check_mode_is_a_dry_run(cluster: Cluster, tmp_path: Path) -> None:
    """Check mode of server-side apply reports the change and makes none."""
    result = play(cluster, tmp_path, "k8s", "--check", **APPLY)

    assert result["changed"]
    assert 404 == cluster.ask("GET", "/api/v1/namespaces/work/configmaps/settings")[0]
    assert [True] == [r["dry_run"] for r in cluster.requests() if r["method"] == "PATCH"]


def test_server_side_apply_changes_once(cluster: Cluster, tmp_path: Path) -> None:
    """The module sends apply patches with its manager's name; the second changes nothing."""
    results = [play(cluster, tmp_path, "k8s", **APPLY) for _ in range(2)]

    assert [True, False] == [result["changed"] for result in results]
    sent = [r for r in cluster.requests() if r["method"] == "PATCH"]
    assert {("application/apply-patch+yaml", "modelctl-ansible", True)} == {
        (r["content_type"], r["field_manager"], r["force"]) for r in sent
    }


def test_a_drain_evicts_the_pods_of_a_node(cluster: Cluster, tmp_path: Path) -> None:
    """k8s_drain cordons, evicts and uncordons; the cordon keeps pods away."""
    labels = {"app": "web"}
    spec = {"containers": [{"name": "main", "image": "example.com/a"}]}
    body = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }
    cluster.ask("POST", "/apis/apps/v1/namespaces/work/deployments", body)
    cluster.ask("GET", "/api/v1/nodes")
    options = {"ignore_daemonsets": True, "wait_timeout": 20, "wait_sleep": 1}
    drained = play(cluster, tmp_path, "k8s_drain", name="node-b", delete_options=options)
    path = "/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-b"
    left = cluster.ask("GET", path)[1]["items"]
    freed = play(cluster, tmp_path, "k8s_drain", name="node-b", state="uncordon")

    assert drained["changed"]
    assert freed["changed"]
    assert [] == left
    assert any(r["path"].endswith("/eviction") for r in cluster.requests())


def test_a_client_without_certificate_sees_health_only(cluster: Cluster) -> None:
    """Without a client certificate only the health and version endpoints answer."""
    context = ssl.create_default_context(cafile=str(cluster.folder / "ca.crt"))
    answers = []
    for path in ("/livez", "/api/v1/nodes"):
        connection = http.client.HTTPSConnection("127.0.0.1", cluster.port, context=context)
        connection.request("GET", path)
        answers.append(connection.getresponse().status)
        connection.close()

    assert [200, 403] == answers
