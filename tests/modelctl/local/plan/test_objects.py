"""From rendered objects to a plan."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import yaml

from modelctl.gateway.fields import Field
from modelctl.local.plan.objects import model_plan, parse
from modelctl.local.plan.values import PlanError, Probe

DEPLOYMENT: dict[str, Any] = {
    "kind": "Deployment",
    "metadata": {"name": "m-r1"},
    "spec": {
        "template": {
            "metadata": {"labels": {"app": "m", "release": "r1", "extra": "x"}},
            "spec": {
                "terminationGracePeriodSeconds": 45,
                "containers": [
                    {
                        "name": "server",
                        "env": [
                            {"name": "MODELSERVER_MODEL", "value": "m"},
                            {"name": "MODELSERVER_RELEASE", "value": "r1"},
                        ],
                        "startupProbe": {
                            "httpGet": {"path": "/started"},
                            "periodSeconds": 2,
                            "timeoutSeconds": 3,
                            "failureThreshold": 31,
                        },
                        "readinessProbe": {"httpGet": {"path": "/ready"}},
                    }
                ],
            },
        }
    },
}
SERVICE: dict[str, Any] = {
    "kind": "Service",
    "metadata": {"name": "m-r1"},
    "spec": {"selector": {"app": "m", "release": "r1"}},
}
AUTOSCALER: dict[str, Any] = {
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "m-r1"},
    "spec": {"scaleTargetRef": {"name": "m-r1"}, "minReplicas": 3},
}
ROUTE: dict[str, Any] = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "m"},
    "spec": {"rules": [{"backendRefs": [{"name": "m-r1", "port": 80}]}]},
}


@pytest.fixture
def objects() -> list[dict[str, Any]]:
    """A small but whole model, to be changed by a test."""
    return deepcopy([DEPLOYMENT, SERVICE, AUTOSCALER, ROUTE])


def fields(objects: list[dict[str, Any]]) -> Iterator[Field]:
    """The objects as they come from their files."""
    for item in objects:
        yield parse(f"{item['kind'].lower()}.yaml", yaml.safe_dump(item).encode())


def container(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """The container of the Deployment."""
    found: dict[str, Any] = objects[0]["spec"]["template"]["spec"]["containers"][0]
    return found


def test_workload(objects: list[dict[str, Any]]) -> None:
    """A Deployment gives a workload with its release, replicas, grace and Services."""
    workload = model_plan("m", fields(objects)).workloads[0]

    assert ("m-r1", "m", "r1") == (workload.name, workload.model, workload.release)
    assert ("m-r1",) == workload.services
    assert 3 == workload.replicas
    assert 45 == workload.template.grace_s


def test_probe_defaults(objects: list[dict[str, Any]]) -> None:
    """A probe keeps what it says, and has Kubernetes' defaults for the rest."""
    template = model_plan("m", fields(objects)).workloads[0].template

    assert Probe("/started", 2, 3, 31) == template.startup
    assert Probe("/ready", 10, 1, 3) == template.readiness
    assert template.liveness is None


def test_replicas_without_autoscaler(objects: list[dict[str, Any]]) -> None:
    """Without an autoscaler the Deployment's own replica count holds, and 1 without any."""
    del objects[2]
    one = model_plan("m", fields(objects)).workloads[0].replicas
    objects[0]["spec"]["replicas"] = 4
    four = model_plan("m", fields(objects)).workloads[0].replicas

    assert (1, 4) == (one, four)


def test_objects_without_local_meaning(objects: list[dict[str, Any]]) -> None:
    """A kind that means nothing on one machine is passed over."""
    budget = {"kind": "PodDisruptionBudget", "metadata": {"name": "m-r1"}}

    plan = model_plan("m", fields([*objects, budget]))

    assert ["m-r1"] == [workload.name for workload in plan.workloads]


def test_selector_must_match(objects: list[dict[str, Any]]) -> None:
    """A route to a Service that selects no Deployment is refused, and says so."""
    objects[1]["spec"]["selector"]["release"] = "r9"

    with pytest.raises(PlanError, match="names Service m-r1, but no rendered Deployment"):
        model_plan("m", fields(objects))


def test_no_route(objects: list[dict[str, Any]]) -> None:
    """A model without any route is refused."""
    with pytest.raises(PlanError, match="no rendered HTTPRoute leads to it"):
        model_plan("m", fields(objects[:3]))


def test_missing_release_variable(objects: list[dict[str, Any]]) -> None:
    """A container that does not say its release is refused."""
    del container(objects)["env"][1]

    with pytest.raises(PlanError, match="sets no MODELSERVER_RELEASE"):
        model_plan("m", fields(objects))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("env", [{"name": "A", "valueFrom": {"fieldRef": {}}}], "valueFrom is set"),
        ("env", {"A": "b"}, "env must be a list"),
        ("env", [{"name": 1}], r"env\[0\].name must be a string, found 1"),
        ("readinessProbe", {"httpGet": {"path": "/a\r\nX: y"}}, "must be a URL path"),
        ("readinessProbe", {"httpGet": {"path": "ready"}}, "must be a URL path"),
        (
            "readinessProbe",
            {"httpGet": {"path": "/r"}, "periodSeconds": "5"},
            "periodSeconds must be a whole number",
        ),
    ],
)
def test_malformed_container(
    objects: list[dict[str, Any]], key: str, value: object, message: str
) -> None:
    """A container field of the wrong form is refused with its file and place."""
    container(objects)[key] = value

    with pytest.raises(PlanError, match=message) as caught:
        model_plan("m", fields(objects))
    assert str(caught.value).startswith("deployment.yaml: spec.template.spec.containers[0].")


def test_two_containers(objects: list[dict[str, Any]]) -> None:
    """A pod of two containers cannot run here."""
    objects[0]["spec"]["template"]["spec"]["containers"].append({"name": "sidecar"})

    with pytest.raises(PlanError, match="containers must be a list of exactly one container"):
        model_plan("m", fields(objects))


@pytest.mark.parametrize("name", ["../m", "M", "a" * 64, "", "a~b", "a.b"])
def test_names_become_files(objects: list[dict[str, Any]], name: str) -> None:
    """A name that is no DNS label is refused, as it names files and clusters here."""
    objects[0]["metadata"]["name"] = name

    with pytest.raises(PlanError, match=r"metadata\.name must be a DNS label"):
        model_plan("m", fields(objects))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: [", "not readable as YAML"),
        (b"\xff\xfe\x00", "not readable as YAML"),
        (b"- 1\n", "must hold one Kubernetes object"),
        (b"", "must hold one Kubernetes object"),
        (b"a: 1\n---\nb: 2\n", "not readable as YAML"),
    ],
)
def test_unreadable_file(content: bytes, message: str) -> None:
    """A file that holds no single object is refused by name."""
    with pytest.raises(PlanError, match=f"x.yaml: {message}"):
        parse("x.yaml", content)


def test_roles(objects: list[dict[str, Any]]) -> None:
    """Which release is stable is the label of the route, where no header says so."""
    labels = {"app.kubernetes.io/version": "r1"}
    for stable, role in ((labels, "stable"), ({}, "canary")):
        objects[-1]["metadata"]["labels"] = stable

        assert role == model_plan("m", fields(objects)).role_of("m-r1")


def test_rules_without_a_name_have_their_place(objects: list[dict[str, Any]]) -> None:
    """Every rule has a name, which its cluster is called by."""
    (rule,) = model_plan("m", fields(objects)).rules

    assert "0" == rule.name
