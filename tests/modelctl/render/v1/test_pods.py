"""Pods: who selects them, how they start and stop, what they may use and reach."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelctl.repo.kinds import Artifact, Limits, Release, Runtime
from modelserver import settings as server
from modelserver.model.provider_options import ProviderOptions

if TYPE_CHECKING:
    from tests.modelctl.render.v1.conftest import Placement

# A busy machine is no fault of the renderer: no limits on the time of an example.
EXAMPLES = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_Object = dict[str, Any]


def _pod(deployment: _Object) -> _Object:
    spec: _Object = deployment["spec"]["template"]["spec"]
    return spec


def _container(deployment: _Object) -> _Object:
    (container,) = _pod(deployment)["containers"]
    found: _Object = container
    return found


def _settings(deployment: _Object) -> dict[str, str]:
    return {item["name"]: item["value"] for item in _container(deployment)["env"]}


def _selectors(placement: Placement) -> list[tuple[str, dict[str, str]]]:
    """Name and selector of everything that selects the pods of one release."""
    found = [
        (value["metadata"]["name"], value["spec"]["selector"]) for value in _selecting(placement)
    ]
    found = [(name, selector.get("matchLabels", selector)) for name, selector in found]
    for deployment in placement.of_kind("Deployment"):
        for spread in _pod(deployment)["topologySpreadConstraints"]:
            found.append((deployment["metadata"]["name"], spread["labelSelector"]["matchLabels"]))
    return found


def _selecting(placement: Placement) -> list[_Object]:
    kinds = ("Deployment", "Service", "PodDisruptionBudget")
    return [value for kind in kinds for value in placement.of_kind(kind)]


@EXAMPLES
@given(data=st.data())
def test_selectors_match_the_pods_of_their_release_alone(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """Deployment, Service, disruption budget and spread select the same one release."""
    placement = data.draw(arbitrary)
    pods = {
        value["metadata"]["name"]: value["spec"]["template"]["metadata"]["labels"]
        for value in placement.of_kind("Deployment")
    }

    for name, selector in _selectors(placement):
        selected = [pod for pod, labels in pods.items() if selector.items() <= labels.items()]

        assert [name] == selected


@EXAMPLES
@given(data=st.data())
def test_ports_agree(data: st.DataObject, arbitrary: st.SearchStrategy[Placement]) -> None:
    """Service, probes and network policy use the named port that the server listens on."""
    placement = data.draw(arbitrary)
    (policy,) = placement.of_kind("NetworkPolicy")

    for deployment in placement.of_kind("Deployment"):
        container = _container(deployment)
        (port,) = container["ports"]
        probes = (container[f"{name}Probe"] for name in ("startup", "readiness", "liveness"))
        users = [probe["httpGet"]["port"] for probe in probes]
        users += [s["spec"]["ports"][0]["targetPort"] for s in placement.of_kind("Service")]
        users += [policy["spec"]["ingress"][0]["ports"][0]["port"]]

        assert {port["name"]} == set(users)
        assert str(port["containerPort"]) == _settings(deployment)["MODELSERVER_PORT"]


@EXAMPLES
@given(data=st.data())
def test_the_autoscaler_alone_owns_the_replicas(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """Each Deployment has one autoscaler with the file's bounds, and no replica count."""
    placement = data.draw(arbitrary)
    scale = placement.serving.scale
    deployments = placement.of_kind("Deployment")

    scalers = [value["spec"] for value in placement.of_kind("HorizontalPodAutoscaler")]

    assert not any("replicas" in value["spec"] for value in deployments)
    assert [value["metadata"]["name"] for value in deployments] == [
        value["scaleTargetRef"]["name"] for value in scalers
    ]
    assert {(scale.min, scale.max)} == {(s["minReplicas"], s["maxReplicas"]) for s in scalers}


@EXAMPLES
@given(data=st.data())
def test_stopping_gives_every_request_its_time(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """The kubelet waits for the endpoint's removal, the drain and the longest request."""
    placement = data.draw(arbitrary)
    timeout_s = int(placement.rules()[0]["timeouts"]["request"].removesuffix("s"))

    for deployment in placement.of_kind("Deployment"):
        values = _settings(deployment)
        grace_s = int(values["MODELSERVER_GRACE_S"])
        hold_s = _container(deployment)["lifecycle"]["preStop"]["sleep"]["seconds"]

        assert grace_s >= int(values["MODELSERVER_DRAIN_DELAY_S"]) + timeout_s
        assert _pod(deployment)["terminationGracePeriodSeconds"] > hold_s + grace_s


@EXAMPLES
@given(data=st.data())
def test_starting_fits_its_budgets(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """The startup probe outlasts a slow fetch by half, and the rollout's deadline the probe."""
    placement = data.draw(arbitrary)

    for release, deployment in zip(
        placement.serving.deployed, placement.of_kind("Deployment"), strict=True
    ):
        probe = _container(deployment)["startupProbe"]
        budget_s = probe["periodSeconds"] * probe["failureThreshold"]
        fetch_s = placement.releases[release].artifact.size_bytes / (20 << 20)

        assert budget_s >= 1.5 * fetch_s
        assert deployment["spec"]["progressDeadlineSeconds"] > budget_s


@EXAMPLES
@given(data=st.data())
def test_settings_are_unique_strings(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """Every variable is a string, of the server's own or of its stores, set once."""
    placement = data.draw(arbitrary)
    others = {*placement.environment.stores.variables, "DOCKER_CONFIG", "SSL_CERT_FILE"}

    for deployment in placement.of_kind("Deployment"):
        items = _container(deployment)["env"]
        own = [item["name"] for item in items if item["name"] not in others]

        assert len(items) == len({item["name"] for item in items})
        assert all(name.startswith("MODELSERVER_") for name in own)
        assert {str} == {type(item["value"]) for item in items}


def test_the_contract_is_json_as_the_server_reads_it(plain: Placement) -> None:
    """Inputs and outputs with name, datatype and shape, -1 where any size is taken."""
    (deployment,) = plain.of_kind("Deployment")

    assert {
        "inputs": [{"name": "image", "datatype": "FP32", "shape": [-1, 1, 8, 8]}],
        "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}],
    } == json.loads(_settings(deployment)["MODELSERVER_CONTRACT"])


def test_three_questions_have_three_endpoints(plain: Placement) -> None:
    """Loaded, ready and alive are asked apart, so that overload never becomes a restart."""
    (deployment,) = plain.of_kind("Deployment")
    container = _container(deployment)

    assert [
        "/v2/models/digits-cnn/versions/r1/ready",
        "/v2/health/ready",
        "/v2/health/live",
    ] == [
        container[f"{name}Probe"]["httpGet"]["path"]
        for name in ("startup", "readiness", "liveness")
    ]


@EXAMPLES
@given(data=st.data())
def test_requests_equal_limits_and_gpus_are_tolerated(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """A pod gets what it asks for, no more, and one with a GPU may run where GPUs are."""
    placement = data.draw(arbitrary)

    for release, deployment in zip(
        placement.serving.deployed, placement.of_kind("Deployment"), strict=True
    ):
        gpu = placement.releases[release].resources.gpu
        resources = _container(deployment)["resources"]
        tolerated = [item["key"] for item in _pod(deployment).get("tolerations", [])]

        assert resources["requests"] == resources["limits"]
        assert (["nvidia.com/gpu"] if gpu else []) == tolerated
        assert (str(gpu.count) if gpu else None) == resources["limits"].get(gpu and gpu.resource)


@EXAMPLES
@given(data=st.data())
def test_a_rollout_neither_deadlocks_nor_loses_capacity(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """A GPU pod goes before the next comes; on CPU the next is ready before one goes."""
    placement = data.draw(arbitrary)

    for release, deployment in zip(
        placement.serving.deployed, placement.of_kind("Deployment"), strict=True
    ):
        strategy = deployment["spec"]["strategy"]["rollingUpdate"]
        steps = (strategy["maxSurge"], strategy["maxUnavailable"])

        assert ((0, 1) if placement.releases[release].resources.gpu else (1, 0)) == steps


@pytest.mark.parametrize(
    ("providers", "size_bytes", "expected_s"),
    [
        (("cpu",), 1, 62),
        (("cuda", "cpu"), 1, 122),
        (("tensorrt", "cuda", "cpu"), 1, 902),
        (("cpu",), 20 << 30, 1596),
    ],
)
def test_the_startup_budget_grows_with_the_work(
    plain: Placement, providers: tuple[str, ...], size_bytes: int, expected_s: int
) -> None:
    """Providers that compile and artifacts that take long to fetch get the time for it."""
    release: Release = plain.releases["r1"]
    runtime = Runtime(providers, threads=1, max_inflight=1, batching=None)
    changed = replace(release, artifact=Artifact("file:a", "0" * 64, size_bytes), runtime=runtime)

    (deployment,) = replace(plain, releases={"r1": changed}).of_kind("Deployment")

    probe = _container(deployment)["startupProbe"]
    assert expected_s == probe["periodSeconds"] * probe["failureThreshold"]


def test_provider_options_reach_the_server(plain: Placement) -> None:
    """What a release sets the server reads as it stands; where nothing is set, nothing is said."""
    release: Release = plain.releases["r1"]
    options = {"cuda": {"use_tf32": False}, "tensorrt": {"trt_engine_cache_enable": True}}
    runtime = replace(release.runtime, provider_options=options)
    changed = replace(release, artifact=Artifact("file:a", "0" * 64, 100 << 20), runtime=runtime)

    (before,) = plain.of_kind("Deployment")
    (after,) = replace(plain, releases={"r1": changed}).of_kind("Deployment")

    limits = {item["name"]: item["emptyDir"]["sizeLimit"] for item in _pod(after)["volumes"]}
    text = _settings(after)["MODELSERVER_PROVIDER_OPTIONS"]
    read = msgspec.json.decode(text, type=ProviderOptions)
    assert options == msgspec.to_builtins(read)
    assert "MODELSERVER_PROVIDER_OPTIONS" not in _settings(before)
    assert "364Mi" == limits["cache"]


def test_limits_reach_the_server(plain: Placement) -> None:
    """What a release limits the server reads as its own limits; the rest it finds out itself."""
    release: Release = plain.releases["r1"]
    limits = Limits(body_bytes=1000, output_bytes=3000)
    changed = replace(release, runtime=replace(release.runtime, limits=limits))

    (before,) = plain.of_kind("Deployment")
    (after,) = replace(plain, releases={"r1": changed}).of_kind("Deployment")

    read = server.read(_settings(after)).limits()
    added = _settings(after).keys() - _settings(before).keys()
    assert {"MODELSERVER_MAX_BODY_BYTES", "MODELSERVER_MAX_OUTPUT_BYTES"} == added
    assert (1000, None, 3000) == (read.body_bytes, read.rows, read.output_bytes)


def test_the_artifact_fits_its_cache_twice(plain: Placement) -> None:
    """A fetch that begins anew finds room beside what the interrupted one left."""
    release = replace(plain.releases["r1"], artifact=Artifact("file:a", "0" * 64, 100 << 20))

    (deployment,) = replace(plain, releases={"r1": release}).of_kind("Deployment")

    limits = {item["name"]: item["emptyDir"]["sizeLimit"] for item in _pod(deployment)["volumes"]}
    assert {"cache": "264Mi", "tmp": "64Mi"} == limits
    assert "392Mi" == _container(deployment)["resources"]["limits"]["ephemeral-storage"]


def test_a_pod_is_restricted(plain: Placement) -> None:
    """No root, no capability, no writable root, no token: what the strictest profile asks."""
    (deployment,) = plain.of_kind("Deployment")
    pod, own = _pod(deployment)["securityContext"], _container(deployment)["securityContext"]

    assert (True, 65532, "RuntimeDefault") == (
        pod["runAsNonRoot"],
        pod["runAsUser"],
        pod["seccompProfile"]["type"],
    )
    assert (False, True, ["ALL"]) == (
        own["allowPrivilegeEscalation"],
        own["readOnlyRootFilesystem"],
        own["capabilities"]["drop"],
    )
    assert _pod(deployment)["automountServiceAccountToken"] is False
