"""`modelctl status` of a cluster, against a real API server that has every model of prod.

Controllers do not run there: what they would write, and what Argo CD says, the test writes.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelctl.__main__ import main
from modelctl.cluster import lists
from scratch import PROJECT
from tests.cluster import control_plane as planes
from tests.cluster.api import Key, Object, key
from tests.cluster.control_plane import ControlPlane
from tests.cluster.prod import (
    ENVIRONMENT,
    MODEL,
    NAMESPACE,
    Scene,
    crash,
    is_of,
    pod_status,
    shift,
    standing,
)

PAGE = PROJECT / "docs" / "how-to" / "on-call.md"

Status = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def scene(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Everything of prod as git has it, with a pod for every Deployment."""
    with standing(control_plane, tmp_path_factory.mktemp("repository")) as made:
        yield made


@pytest.fixture
def status(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Status:
    """Runs the command for prod and gives its JSON, with its exit code as `code`."""
    monkeypatch.chdir(scene.root)

    def run(*words: str, kubeconfig: Path = scene.plane.kubeconfig) -> dict[str, Any]:
        code = main(
            ["status", "--env", ENVIRONMENT, "--format", "json", "--kubeconfig", str(kubeconfig),
             *words]
        )  # fmt: skip
        told: dict[str, Any] = json.loads(capsys.readouterr().out)
        return {**told, "code": code}

    return run


def model(told: dict[str, Any], name: str = MODEL) -> dict[str, Any]:
    """What is told of a model."""
    found: dict[str, Any] = next(each for each in told["models"] if each["model"] == name)
    return found


def test_everything_as_git_has_it(scene: Scene, status: Status) -> None:
    """What the API server makes of rendered objects is no difference, of no field of any model."""
    told = status()

    assert {"": ()} == {
        model["sync_reason"] + model["health_reason"]: tuple(model["drift"])
        for model in told["models"]
    }
    assert (0, True, scene.plane.url) == (told["code"], told["well"], told["addresses"]["cluster"])
    served = {path.parts[-4] for path in scene.root.glob(f"apps/*/rendered/{ENVIRONMENT}/*")}
    assert served == {each["model"] for each in told["models"]}


def test_weights_in_git_and_live(status: Status) -> None:
    """Both are told of every release, with its pods."""
    releases = model(status())["releases"]

    assert releases
    for each in releases:
        assert each["weight"] == each["live_weight"]
        assert (1, 1, 0, "Ready") == (
            each["ready"], each["replicas"], each["restarts"], each["state"],
        )  # fmt: skip
        assert each["image"].startswith("registry.example.com/modelserver@sha256:")


def test_lists_in_pages(status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real API server's pages come to the same."""
    whole = status()
    monkeypatch.setattr(lists, "_PAGE", 1)

    assert whole == status()


def test_synced_that_lies(scene: Scene, status: Status) -> None:
    """Live weights that are not those of git are told, whatever Argo CD shows."""
    rendered = shift(scene, 37)

    told = status()
    scene.put(rendered)

    found = model(told)
    assert (1, "OutOfSync", "Synced") == (
        told["code"], found["sync"], found["application"]["sync"],
    )  # fmt: skip
    assert any(".weight is 37, in git " in each for each in found["drift"])
    assert [MODEL] == [each["model"] for each in told["models"] if each["sync"] != "Synced"]
    assert 0 == status()["code"]


def test_a_variable_that_was_set_by_hand(scene: Scene, status: Status) -> None:
    """Lists are merged by key: a variable of another manager stays, and is told."""
    rendered = next(i for i in scene.items if i["kind"] == "Deployment" and is_of(i, MODEL))
    name = rendered["metadata"]["name"]
    server = {"name": "server", "env": [{"name": "DEBUG", "value": "1"}]}
    by_hand = {
        **{k: rendered[k] for k in ("apiVersion", "kind")},
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"template": {"spec": {"containers": [server]}}},
    }
    scene.api.apply(by_hand, manager="kubectl-set")
    scene.put(rendered)

    found = model(status())
    none = {**by_hand, "spec": {"template": {"spec": {"containers": [{"name": "server"}]}}}}
    scene.api.apply(none, manager="kubectl-set")
    scene.put(rendered)

    assert [
        f"Deployment {name}: spec.template.spec.containers[server].env[DEBUG] is not in git"
    ] == (found["drift"])
    assert 0 == status()["code"]


def test_a_crash_loop(scene: Scene, status: Status) -> None:
    """A pod that crashes makes its release and its model Degraded, with the reason."""
    pod = crash(scene)

    found = model(status())
    scene.api.status(key(pod), pod_status(pod, lastState={}))

    release = next(r for r in found["releases"] if r["state"] == "CrashLoopBackOff")
    assert (0, 4) == (release["ready"], release["restarts"])
    assert "Degraded" == found["health"]
    assert found["health_reason"].endswith("exit code 86: ArtifactDigestMismatch")


def test_an_application_that_is_gone(scene: Scene, status: Status) -> None:
    """A model in git without an Application is told, and one back makes it well again."""
    which = Key("argoproj.io/v1alpha1", "Application", "argocd", MODEL)
    before = scene.api.get(which)
    assert before is not None
    scene.api.delete(which)

    found = model(status())
    about = {k: before["metadata"][k] for k in ("name", "namespace", "labels", "annotations")}
    scene.api.apply({**before, "metadata": about})

    assert "git has it and the cluster has no Application" == found["sync_reason"]
    assert 0 == status()["code"]


def test_rights(scene: Scene, status: Status) -> None:
    """Who may read nothing is told all that is missing; the role of the how-to page is enough."""
    refused = status("--context", "stranger")
    role = yaml.safe_load(PAGE.read_text().split("```yaml\n")[1].split("```")[0])
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": role["metadata"]["name"]},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": role["metadata"]["name"],
        },
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "stranger"}],
    }
    for item in (role, binding):
        scene.api.apply(item)

    allowed = status("--context", "stranger")
    for item in (role, binding):
        scene.api.delete(key(item))

    assert 2 == refused["code"]
    assert 5 == len(refused["fault"].splitlines())
    assert (
        'User "stranger" cannot list resource "pods" in API group "" at the cluster scope'
        in (refused["fault"])
    )
    assert "the ClusterRole modelctl-status of docs/how-to/on-call.md" in refused["fault"]
    assert 0 == allowed["code"]


def _with(plane: ControlPlane, folder: Path, kind: str, value: Object) -> Path:
    """The kubeconfig of a control plane with another cluster, or another user."""
    content = json.loads(plane.kubeconfig.read_text())
    for each in content[f"{kind}s"]:
        each[kind] = {**each[kind], **value}
    path = folder / "kubeconfig"
    path.write_text(json.dumps(content))
    return path


def test_credentials_that_nobody_knows(scene: Scene, status: Status, tmp_path: Path) -> None:
    """A token that the cluster does not know is told once."""
    path = _with(scene.plane, tmp_path, "user", {"token": "expired"})

    told = status(kubeconfig=path)

    assert (2, 1) == (told["code"], len(told["fault"].splitlines()))
    assert "found 401 Unauthorized" in told["fault"]


def test_a_certificate_that_is_not_trusted(scene: Scene, status: Status, tmp_path: Path) -> None:
    """Another cluster's authority is told as such, and not as a network that is down."""
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=other"]
    files = ["-keyout", str(tmp_path / "other.key"), "-out", str(tmp_path / "other.crt")]
    subprocess.run([*words, *files], check=True, capture_output=True)
    value = {"certificate-authority": str(tmp_path / "other.crt")}

    told = status(kubeconfig=_with(scene.plane, tmp_path, "cluster", value))

    assert 2 == told["code"]
    assert "its certificate is not trusted (" in told["fault"]


def test_a_bare_cluster(scene: Scene, status: Status) -> None:
    """A cluster without Argo CD and the Gateway API is told what it lacks."""
    assert scene.items
    with planes.running(crds=False) as bare:
        told = status(kubeconfig=bare.kubeconfig)

    assert 2 == told["code"]
    first, second, third = told["fault"].splitlines()
    assert "definition applications.argoproj.io: Argo CD is not installed there" in first
    assert "httproutes.gateway.networking.k8s.io: the Gateway API is not installed" in second
    assert "found no namespace argocd" in third
