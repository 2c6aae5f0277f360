"""What role argocd applies, and what it leaves to Argo CD."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from harness.plugins import load

REPOSITORY = Path(__file__).parents[2]
PATH = REPOSITORY / "roles/argocd/filter_plugins/argocd_objects.py"
FAULTS = REPOSITORY / "roles/argocd/filter_plugins/argocd_faults.py"


@pytest.fixture(scope="module")
def argocd() -> ModuleType:
    """The filters of role argocd."""
    return load(PATH)


def thing(kind: str, name: str, api_version: str = "v1", **more: object) -> dict[str, Any]:
    """An object."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **more}


def config_map(name: str, **data: str) -> dict[str, Any]:
    """A ConfigMap."""
    return thing("ConfigMap", name, data=data)


def deployment(name: str) -> dict[str, Any]:
    """A Deployment with an empty template."""
    return thing("Deployment", name, "apps/v1", spec={"template": {}})


def test_settings_are_laid_over_the_manifest(argocd: ModuleType) -> None:
    """An object of the manifest that the settings name too is applied once, with both."""
    manifest = [config_map("argocd-cm", a="manifest", b="manifest")]

    merged = argocd.objects(manifest, [config_map("argocd-cm", b="settings")], "argocd")

    assert [{"a": "manifest", "b": "settings"}] == [item["data"] for item in merged]


def test_objects_get_their_namespace(argocd: ModuleType) -> None:
    """What lives in a namespace gets Argo CD's; what does not, gets none."""
    found = argocd.objects([thing("ClusterRole", "a"), thing("Role", "b"), None], [], "argocd")

    assert [None, "argocd"] == [item["metadata"].get("namespace") for item in found]


def test_pods_restart_when_their_settings_change(argocd: ModuleType) -> None:
    """A change of argocd-cmd-params-cm changes the pod template, nothing else does."""
    name = "argocd-cmd-params-cm"
    digests = [
        argocd.objects(
            [deployment("s")], [config_map(name, x=value), config_map("o", y=other)], "n"
        )
        for value, other in [("1", "1"), ("1", "2"), ("2", "1")]
    ]

    first, same, different = (
        found[0]["spec"]["template"]["metadata"]["annotations"] for found in digests
    )
    assert first == same
    assert first != different


def test_host_keys_are_added_once(argocd: ModuleType) -> None:
    """Own host keys follow the shipped ones; one that is there already is not repeated."""
    shipped = config_map("argocd-ssh-known-hosts-cm", ssh_known_hosts="a key\n")

    (found,) = argocd.objects([shipped], [], "argocd", ["a key", "b key"])

    assert "a key\nb key\n" == found["data"]["ssh_known_hosts"]


def test_the_manifest_is_not_changed(argocd: ModuleType) -> None:
    """What was handed in is the same afterwards."""
    manifest = [deployment("s")]

    argocd.objects(manifest, [], "argocd")

    assert [deployment("s")] == manifest


def test_workloads_go_last_and_definitions_by_themselves(argocd: ModuleType) -> None:
    """Pods find their settings; definitions are established before anything uses them."""
    things = [deployment("s"), thing("CustomResourceDefinition", "d"), config_map("c")]

    assert ["c", "s"] == [item["metadata"]["name"] for item in argocd.others(things)]
    assert ["d"] == [item["metadata"]["name"] for item in argocd.definitions(things)]


def test_only_what_this_role_applied_is_deleted(argocd: ModuleType) -> None:
    """An object that is wanted no more goes, unless somebody else made it or owns it."""
    ours, theirs, owned = (
        thing("Service", name) | {"metadata": {"name": name, "managedFields": [{"manager": by}]}}
        for name, by in [
            ("ours", "modelctl-ansible"),
            ("theirs", "helm"),
            ("owned", "modelctl-ansible"),
        ]
    )
    owned["metadata"]["ownerReferences"] = [{"kind": "Deployment"}]

    found = argocd.leftovers(
        [ours, theirs, owned], [thing("Service", "wanted")], "modelctl-ansible"
    )

    assert [ours] == found


def application(name: str, sync: str, *messages: str, **status: object) -> dict[str, Any]:
    """An Application as Argo CD reports it, with what it could not compare."""
    conditions = [{"type": "ComparisonError", "message": message} for message in messages]
    found = {"sync": {"status": sync}, "conditions": conditions, **status}
    return {"metadata": {"name": name}, "status": found}


def test_every_application_is_looked_at() -> None:
    """A root that is synced says nothing of models that cannot be compared."""
    faults = load(FAULTS).faults
    root = application("root", "Synced")

    assert [] == faults([root, application("linear", "OutOfSync")])
    assert ["linear not compared (no such repository)"] == faults(
        [root, application("linear", "Unknown", "no such repository")]
    )
    assert ["no root Application"] == faults([application("linear", "Synced")])


def test_a_root_that_is_not_synced_says_why() -> None:
    """Its message, or that nothing was reconciled yet."""
    faults = load(FAULTS).faults

    assert ["the root Application Unknown (authentication required)"] == faults(
        [application("root", "Unknown", "authentication required")]
    )
    assert ["the root Application not reconciled (no message)"] == faults(
        [{"metadata": {"name": "root"}}]
    )


def test_a_model_that_left_is_no_fault() -> None:
    """Its Application waits for a person to delete it, and so does the root."""
    faults = load(FAULTS).faults
    left = [{"kind": "Application", "status": "OutOfSync", "requiresPruning": True}]
    root = application("root", "OutOfSync", resources=left)

    assert [] == faults([root, application("linear", "Unknown", "app path does not exist")])
    assert [] != faults([application("root", "OutOfSync", resources=[{"status": "OutOfSync"}])])


def committed(pattern: str) -> set[tuple[str, str]]:
    """Kind and name of every object in the repository's files."""
    things = [yaml.safe_load(path.read_text()) for path in (REPOSITORY / "argocd").glob(pattern)]
    return {(item["kind"], item["metadata"]["name"]) for item in things}


def test_no_object_has_two_owners() -> None:
    """What the role applies, Argo CD's root Application does not, and the reverse."""
    role = committed("config/**/*.yaml") | committed("bootstrap/*.yaml")
    argo = set().union(
        *(committed(f"{folder}/**/*.yaml") for folder in ("applications", "projects", "platform"))
    )

    assert set() == role & argo
    assert argo


def test_the_role_applies_nothing_by_name_but_its_own() -> None:
    """Objects that tasks spell out are the namespace and Argo CD's own Secrets."""
    tasks = "".join(path.read_text() for path in (REPOSITORY / "roles/argocd/tasks").glob("*.yml"))
    spelled = [
        task["kubernetes.core.k8s"]["definition"]
        for document in (REPOSITORY / "roles/argocd/tasks").glob("*.yml")
        for task in yaml.safe_load(document.read_text())
        if "kubernetes.core.k8s" in task
        and isinstance(task["kubernetes.core.k8s"].get("definition"), dict)
    ]

    assert {"Namespace", "Secret"} == {item["kind"] for item in spelled}
    assert "modelctl-ansible" not in tasks.replace("__argocd_manager", "")


def test_pods_that_reach_out_get_the_proxy(argocd: ModuleType) -> None:
    """In both spellings, with Argo CD's own Services as exceptions; the cache gets none."""
    pods = {"template": {"spec": {"containers": [{"name": "a", "env": [{"name": "X"}]}]}}}
    manifest = [
        thing("Deployment", "argocd-repo-server", "apps/v1", spec=pods),
        thing("Deployment", "argocd-redis", "apps/v1", spec=pods),
        thing("Service", "argocd-redis"),
        thing("Service", "argocd-repo-server"),
    ]
    proxy = {"https_proxy": "http://proxy.example.com:3128", "no_proxy": "10.0.0.0/8"}

    found = argocd.objects(manifest, [], "argocd", (), proxy)

    container, cache = (
        item["spec"]["template"]["spec"]["containers"][0]
        for item in found
        if item["kind"] == "Deployment"
    )
    given = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert "10.0.0.0/8,argocd-redis,argocd-repo-server" == given["no_proxy"] == given["NO_PROXY"]
    assert "http://proxy.example.com:3128" == given["https_proxy"] == given["HTTPS_PROXY"]
    assert [{"name": "X"}] == cache["env"]
