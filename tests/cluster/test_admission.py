"""Admission policies on a real API server: they refuse what they must, and admit all of ours."""

from collections.abc import Callable, Iterator
from copy import deepcopy

import pytest
import yaml

from modelctl.render.platform import admission
from modelctl.repo.kinds import Environment, Gateway
from scratch import PROJECT
from tests.cluster import control_plane as planes
from tests.cluster import tools
from tests.cluster.api import Api, Object, RefusedError
from waiting import until

NAMESPACE = "models-vision"
DIGEST = "sha256:" + "0" * 64
REGISTRY = "registry.example.com/models"
GATEWAY = Gateway("models", "gateway", "https", "models.example.com")
ENVIRONMENT = Environment("prod", "argocd", "v2", GATEWAY, {}, registries=(REGISTRY,))
Change = Callable[[Object], None]

POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "model-r1-0", "namespace": NAMESPACE},
    "spec": {
        "automountServiceAccountToken": False,
        "containers": [{"name": "server", "image": f"{REGISTRY}/modelserver@{DIGEST}"}],
        "volumes": [{"name": "model", "image": {"reference": f"{REGISTRY}/model@{DIGEST}"}}],
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
    },
}
APPLICATION: Object = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Application",
    "metadata": {"name": "digits-cnn", "namespace": "argocd"},
    "spec": {
        "project": "vision",
        "source": {
            "repoURL": "https://git.example.com/models.git",
            "path": "apps/digits-cnn/rendered/prod",
        },
        "destination": {"server": "https://kubernetes.default.svc", "namespace": NAMESPACE},
    },
}


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    """A control plane of its own, with the policies in force."""
    if words := tools.missing(*planes.PROGRAMS):
        pytest.skip(words)
    if tools.crds() is None:
        pytest.skip(f"the vendors' CRDs were not fetched: {tools.HOW}")
    with planes.running() as plane, plane.client() as client:
        for name in ("argocd", "default", NAMESPACE):
            client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
            client.apply(account(name))
        for value in admission.objects(ENVIRONMENT):
            client.apply(value)
        until(lambda: refusal(client, changed(POD, tag)), bool)
        until(lambda: refusal(client, changed(APPLICATION, of_another_team)), bool)
        yield client


def account(namespace: str) -> Object:
    """The account that a pod has without naming one; no controller is there to make it."""
    about = {"name": "default", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about}


def changed(value: Object, *changes: Change) -> Object:
    """A copy with some changes."""
    found = deepcopy(value)
    for change in changes:
        change(found)
    return found


def refusal(api: Api, value: Object) -> str:
    """What the API server says against an object; empty where it takes it."""
    try:
        api.create(value, dry_run=True)
    except RefusedError as error:
        return str(error)
    return ""


def tag(pod: Object) -> None:
    """An image that can become another one."""
    pod["spec"]["containers"][0]["image"] = f"{REGISTRY}/modelserver:v1"


def other_registry(pod: Object) -> None:
    """An image of a registry that only begins like ours."""
    pod["spec"]["containers"][0]["image"] = f"{REGISTRY}-of-others/modelserver@{DIGEST}"


def tag_of_first_container(pod: Object) -> None:
    """A container that runs before the others."""
    pod["spec"]["initContainers"] = [{"name": "first", "image": f"{REGISTRY}/tool:latest"}]


def tag_of_volume(pod: Object) -> None:
    """A model that is mounted by a tag."""
    pod["spec"]["volumes"][0]["image"]["reference"] = f"{REGISTRY}/model:r1"


def token(pod: Object) -> None:
    """A pod that says nothing of a token, and so gets one."""
    del pod["spec"]["automountServiceAccountToken"]


def node(pod: Object) -> None:
    """A pod that nobody schedules."""
    pod["spec"]["nodeName"] = "gpu-1"


def priority(pod: Object) -> None:
    """A pod that pushes others away."""
    pod["spec"]["priorityClassName"] = "system-node-critical"


def everywhere(pod: Object) -> None:
    """A pod that no taint keeps away."""
    pod["spec"]["tolerations"] = [{"operator": "Exists"}]


def of_another_team(application: Object) -> None:
    """The namespace of one team with the rights of another."""
    application["spec"]["project"] = "forecasting"


def of_the_platform(application: Object) -> None:
    """A model with the rights of the platform."""
    application["spec"]["project"] = "platform"


def of_another_model(application: Object) -> None:
    """Another model's objects under this name."""
    application["spec"]["source"]["path"] = "apps/linear/rendered/prod"


def out_of_its_folder(application: Object) -> None:
    """A path that begins well and ends elsewhere."""
    application["spec"]["source"]["path"] = "apps/digits-cnn/rendered/../../linear/rendered/prod"


def several_sources(application: Object) -> None:
    """A second source beside the first."""
    application["spec"]["sources"] = [application["spec"]["source"]]


def second_root(application: Object) -> None:
    """Whatever it is, with the rights of root."""
    application["spec"]["project"] = "root"
    application["spec"]["source"]["path"] = "argocd"


@pytest.mark.cluster
@pytest.mark.parametrize("value", [POD, APPLICATION], ids=["pod", "application"])
def test_what_is_ours_is_admitted(api: Api, value: Object) -> None:
    """A pod with digests of our registry; an Application of its owner's project."""
    assert "" == refusal(api, value)


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (tag, f"found the image {REGISTRY}/modelserver:v1, expected <name>@sha256:<digest>"),
        (other_registry, f"expected one of the registries {REGISTRY}"),
        (tag_of_first_container, "tool:latest"),
        (tag_of_volume, "model:r1"),
        (token, "automountServiceAccountToken: false"),
        (node, "take nodeName out"),
        (priority, "take priorityClassName out"),
        (everywhere, "name the key of the taint"),
    ],
)
def test_a_pod_that_must_not_be_is_refused(api: Api, change: Change, words: str) -> None:
    """The words say what was found and what to do; outside the namespaces of models it may be."""
    found = changed(POD, change)

    assert words in refusal(api, found)
    assert "ValidatingAdmissionPolicy" not in refusal(api, elsewhere(found))


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (of_another_team, "found the project of one team and the namespace of another"),
        (of_the_platform, "found a model in a project of the platform"),
        (of_another_model, "found another source than the model's own rendered folder"),
        (out_of_its_folder, "found another source than the model's own rendered folder"),
        (several_sources, "found several sources"),
        (second_root, "found a second Application in the project root"),
    ],
)
def test_an_application_that_must_not_be_is_refused(api: Api, change: Change, words: str) -> None:
    """Rights follow from the owner alone, whoever writes the Application."""
    assert words in refusal(api, changed(APPLICATION, change))


@pytest.mark.cluster
def test_every_application_of_this_repository_is_admitted(api: Api) -> None:
    """Models', the platform's and root: none is refused, in any environment."""
    paths = sorted((PROJECT / "argocd").rglob("*.yaml"))
    read = [yaml.safe_load(path.read_text()) for path in paths]
    found = [each for each in read if each.get("kind") == "Application"]
    refused = {each["metadata"]["name"]: refusal(api, each) for each in found}

    assert found
    assert {} == {name: words for name, words in refused.items() if words}


def elsewhere(pod: Object) -> Object:
    """The same pod in a namespace that is no team's."""
    return pod | {"metadata": pod["metadata"] | {"namespace": "default"}}
