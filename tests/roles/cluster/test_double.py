"""The API double checks what a real API server checks."""

import json
from typing import Any

import pytest

from roles.cluster.process import Cluster
from waiting import until

pytestmark = pytest.mark.roles

MAPS = "/api/v1/namespaces/work/configmaps"
APPLY = "application/apply-patch+yaml"
WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
        "versions": [{"name": "v1", "served": True, "storage": True}],
    },
}


def config_map(name: str, **data: str) -> dict[str, Any]:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def apply(cluster: Cluster, body: dict[str, Any], query: str) -> tuple[int, Any]:
    """Server-side apply of a ConfigMap."""
    path = f"{MAPS}/{body['metadata']['name']}?{query}"
    return cluster.ask("PATCH", path, json.dumps(body).encode(), kind=APPLY)


def deployment(name: str, replicas: int) -> dict[str, Any]:
    """A Deployment of pods labelled with its name."""
    labels = {"app": name}
    pod = {"containers": [{"name": "main", "image": "example.com/a@sha256:0"}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "work"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def settle(cluster: Cluster, path: str, *, running: int) -> list[dict[str, Any]]:
    """The pods of a list once so many of them run."""

    def pods() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = cluster.ask("GET", path)[1]["items"]
        return found

    def phases(found: list[dict[str, Any]]) -> list[str]:
        return [pod.get("status", {}).get("phase", "") for pod in found]

    return until(pods, lambda found: phases(found).count("Running") == running, shown=phases)


def test_apply_without_a_field_manager_is_refused(cluster: Cluster) -> None:
    """Server-side apply needs to know who applies."""
    status, found = apply(cluster, config_map("a", k="1"), "force=true")

    assert 422 == status
    assert "fieldManager: Required value" in found["message"]


def test_apply_creates_and_then_changes_nothing(cluster: Cluster) -> None:
    """A second apply of the same object keeps its version."""
    first = apply(cluster, config_map("a", k="1"), "fieldManager=one")
    second = apply(cluster, config_map("a", k="1"), "fieldManager=one")

    assert [201, 200] == [first[0], second[0]]
    assert first[1] == second[1]


def test_another_managers_value_is_a_conflict_until_forced(cluster: Cluster) -> None:
    """A field that another manager owns with another value gives 409 unless forced."""
    apply(cluster, config_map("a", k="1"), "fieldManager=one")
    refused, found = apply(cluster, config_map("a", k="2"), "fieldManager=two")
    forced, _ = apply(cluster, config_map("a", k="2"), "fieldManager=two&force=true")

    assert [409, 200] == [refused, forced]
    assert [".data.k"] == [cause["field"] for cause in found["details"]["causes"]]


def test_a_field_left_out_of_the_next_apply_goes(cluster: Cluster) -> None:
    """Apply removes what its manager applied before and applies no more."""
    apply(cluster, config_map("a", k="1", other="1"), "fieldManager=one")
    _, found = apply(cluster, config_map("a", k="1"), "fieldManager=one")

    assert {"k": "1"} == found["data"]


def test_managed_fields_name_manager_and_operation(cluster: Cluster) -> None:
    """`managedFields` says who owns what, by apply or by update."""
    _, found = apply(cluster, config_map("a", k="1"), "fieldManager=one")

    (entry,) = found["metadata"]["managedFields"]
    assert ("one", "Apply", {"f:data": {"f:k": {}}}) == (
        entry["manager"],
        entry["operation"],
        entry["fieldsV1"],
    )


def test_a_dry_run_changes_nothing(cluster: Cluster) -> None:
    """`dryRun=All` answers as if, and keeps nothing."""
    status, _ = apply(cluster, config_map("a", k="1"), "fieldManager=one&dryRun=All")

    assert 201 == status
    assert 404 == cluster.ask("GET", f"{MAPS}/a")[0]


def test_an_old_resource_version_is_a_conflict(cluster: Cluster) -> None:
    """A write on top of a version that is gone gives 409."""
    _, old = cluster.ask("POST", MAPS, config_map("a", k="1"))
    cluster.ask("PUT", f"{MAPS}/a", config_map("a", k="2"))
    status, _ = cluster.ask("PUT", f"{MAPS}/a", {**old, "data": {"k": "3"}})

    assert 409 == status


def test_patches_need_a_content_type_that_is_one(cluster: Cluster) -> None:
    """A patch sent as plain JSON gives 415; merge, strategic and JSON patches work."""
    cluster.ask("POST", MAPS, config_map("a", k="1"))
    merge = {"data": {"k": None, "m": "2"}}
    answers = [
        cluster.ask("PATCH", f"{MAPS}/a", merge),
        cluster.ask("PATCH", f"{MAPS}/a", merge, kind="application/merge-patch+json"),
        cluster.ask("PATCH", f"{MAPS}/a", merge, kind="application/strategic-merge-patch+json"),
        cluster.ask(
            "PATCH",
            f"{MAPS}/a",
            [{"op": "replace", "path": "/data/m", "value": "3"}],
            kind="application/json-patch+json",
        ),
    ]

    assert [415, 200, 200, 200] == [status for status, _ in answers]
    assert {"m": "3"} == answers[-1][1]["data"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/namespaces/nowhere/configmaps", 404),
        ("/apis/example.org/v1/namespaces/work/gadgets", 404),
        ("/api/v1/configmaps", 405),
    ],
)
def test_writes_to_what_is_not_there_are_refused(cluster: Cluster, path: str, status: int) -> None:
    """An unknown namespace, an unknown kind and a missing namespace are errors."""
    assert status == cluster.ask("POST", path, config_map("a", k="1"))[0]


def test_names_selectors_and_data_are_checked(cluster: Cluster) -> None:
    """A bad name, a selector that misses its template and a number in data are refused."""
    wrong = deployment("web", 1)
    wrong["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    answers = [
        cluster.ask("POST", MAPS, config_map("Not_A_Name", k="1"))[0],
        cluster.ask("POST", "/apis/apps/v1/namespaces/work/deployments", wrong)[0],
        cluster.ask("POST", MAPS, {**config_map("a"), "data": {"k": 1}})[0],
    ]

    assert [422, 422, 400] == answers


def test_a_selector_never_changes(cluster: Cluster) -> None:
    """A Deployment's selector is immutable."""
    path = "/apis/apps/v1/namespaces/work/deployments"
    cluster.ask("POST", path, deployment("web", 1))
    changed = deployment("other", 1)
    changed["metadata"]["name"] = "web"

    assert 422 == cluster.ask("PUT", f"{path}/web", changed)[0]


def test_a_defined_kind_is_served_once_it_is_established(cluster: Cluster) -> None:
    """Objects of a new kind are 404 until its definition is Established, and go with it."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    widgets = "/apis/example.com/v1/namespaces/work/widgets"
    body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}
    with cluster.holding():
        cluster.ask("POST", path, WIDGETS)
        early = cluster.ask("POST", widgets, body)[0]
    until(lambda: cluster.ask("GET", f"{path}/widgets.example.com")[1].get("status"))
    late = cluster.ask("POST", widgets, body)[0]
    cluster.ask("DELETE", f"{path}/widgets.example.com")

    assert [404, 201, 404] == [early, late, cluster.ask("GET", widgets)[0]]


def test_an_eviction_waits_for_the_budget(cluster: Cluster) -> None:
    """Eviction gives 429 while a PodDisruptionBudget allows none, and 201 once it does."""
    pods = "/api/v1/namespaces/work/pods"
    budgets = "/apis/policy/v1/namespaces/work/poddisruptionbudgets"
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}},
    }
    cluster.ask("POST", "/apis/apps/v1/namespaces/work/deployments", deployment("web", 2))
    cluster.ask("POST", budgets, budget)
    name = settle(cluster, pods, running=2)[0]["metadata"]["name"]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    blocked = cluster.ask("POST", f"{pods}/{name}/eviction", eviction)[0]
    cluster.ask("DELETE", f"{budgets}/web")
    allowed = cluster.ask("POST", f"{pods}/{name}/eviction", eviction)[0]

    assert [429, 201] == [blocked, allowed]
    assert name not in {pod["metadata"]["name"] for pod in settle(cluster, pods, running=2)}


def test_no_pod_lands_on_a_cordoned_node(cluster: Cluster) -> None:
    """Pods of a Deployment go to the nodes that take them, those of a DaemonSet to all."""
    merge = "application/merge-patch+json"
    cordon = {"spec": {"unschedulable": True}}
    cluster.ask("PATCH", "/api/v1/nodes/node-a", cordon, kind=merge)
    daemons = deployment("agent", 1) | {"kind": "DaemonSet"}
    del daemons["spec"]["replicas"]
    cluster.ask("POST", "/apis/apps/v1/namespaces/work/deployments", deployment("web", 2))
    cluster.ask("POST", "/apis/apps/v1/namespaces/work/daemonsets", daemons)
    pods = settle(cluster, "/api/v1/namespaces/work/pods", running=5)
    cluster.ask("PATCH", "/api/v1/nodes/node-a", {"spec": {"unschedulable": None}}, kind=merge)

    at_a = [p["metadata"]["name"] for p in pods if p["spec"]["nodeName"] == "node-a"]
    assert [True] == [name.startswith("agent-") for name in at_a]


def test_faults_answer_as_often_as_asked(cluster: Cluster) -> None:
    """A test can have the next requests fail, and only those."""
    cluster.fail(r"/configmaps$", 503, times=2)
    answers = [cluster.ask("GET", MAPS)[0] for _ in range(3)]

    assert [503, 503, 200] == answers


def test_every_request_is_on_record(cluster: Cluster) -> None:
    """Method, path, content type and field manager of a request can be asserted."""
    apply(cluster, config_map("a", k="1"), "fieldManager=one&force=true")

    last = cluster.requests()[-1]
    assert ("PATCH", f"{MAPS}/a", APPLY, "one", True, 201) == (
        last["method"],
        last["path"],
        last["content_type"],
        last["field_manager"],
        last["force"],
        last["status"],
    )
