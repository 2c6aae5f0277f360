"""Replicas follow the load between two bounds, and stay where there is nothing to follow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelctl.repo.kinds import Metric, Network, Scale

if TYPE_CHECKING:
    from tests.modelctl.render.v2.conftest import Placement

# A busy machine is no fault of the renderer: no limits on the time of an example.
EXAMPLES = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
KINDS: dict[str, tuple[str, str, str]] = {
    "cpu": ("HorizontalPodAutoscaler", "minReplicas", "maxReplicas"),
    "inflight": ("ScaledObject", "minReplicaCount", "maxReplicaCount"),
}


def _scaler(placement: Placement, metric: Metric) -> dict[str, Any]:
    scale = Scale(min=2, max=8, metric=metric, target=16)
    scaled = replace(placement, serving=replace(placement.serving, scale=scale))
    (value,) = scaled.of_kind(KINDS[metric][0])
    return value


@EXAMPLES
@given(data=st.data())
def test_one_autoscaler_alone_owns_the_replicas(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """Each Deployment has one, of its measure, with the file's bounds, and no replica count."""
    placement = data.draw(arbitrary)
    scale = placement.serving.scale
    kind, least, most = KINDS[scale.metric]
    deployments = placement.of_kind("Deployment")

    scalers = placement.of_kind(kind)

    assert len(scalers) == sum(len(placement.of_kind(each)) for each, *_ in KINDS.values())
    assert not any("replicas" in value["spec"] for value in deployments)
    assert [value["metadata"]["name"] for value in deployments] == [
        value["spec"]["scaleTargetRef"]["name"] for value in scalers
    ]
    assert {(scale.min, scale.max)} == {(s["spec"][least], s["spec"][most]) for s in scalers}


def test_no_data_and_no_prometheus_never_scale_down(plain: Placement) -> None:
    """No answer is an error, and errors keep what there is, or `min` where that is more."""
    spec = _scaler(plain, "inflight")["spec"]
    (trigger,) = spec["triggers"]

    assert "false" == trigger["metadata"]["ignoreNullValues"]
    assert ("currentReplicasIfHigher", 2) == (
        spec["fallback"]["behavior"],
        spec["fallback"]["replicas"],
    )
    assert "AverageValue" == trigger["metricType"]  # the only one that falls back


def test_its_end_leaves_the_replicas_alone(plain: Placement) -> None:
    """A ScaledObject that is removed restores no smaller count."""
    assert _scaler(plain, "inflight")["spec"]["advanced"]["restoreToOriginalReplicaCount"] is False


@pytest.mark.parametrize("namespace", ["monitoring", "watch"])
def test_in_flight_requests_of_the_release_are_asked_for(plain: Placement, namespace: str) -> None:
    """The mean of the pods that there are numbers of, times all that Prometheus knows."""
    environment = replace(plain.environment, network=Network(monitoring_namespace=namespace))
    spec = _scaler(replace(plain, environment=environment), "inflight")["spec"]
    labels = '{namespace="models-vision",model="digits-cnn",release="r1"}'

    asked = spec["triggers"][0]["metadata"]

    assert f"avg(modelserver_requests_in_flight{labels}) * count(up{labels})" == asked["query"]
    assert f"http://prometheus-operated.{namespace}.svc:9090" == asked["serverAddress"]
    assert "16" == asked["threshold"]


def test_both_measures_grow_and_shrink_alike(plain: Placement) -> None:
    """What follows the one follows the other as fast, by an autoscaler of the same name."""
    by_cpu, by_requests = _scaler(plain, "cpu"), _scaler(plain, "inflight")
    inner = by_requests["spec"]["advanced"]["horizontalPodAutoscalerConfig"]

    assert by_cpu["spec"]["behavior"] == inner["behavior"]
    assert by_cpu["metadata"]["name"] == inner["name"]
    assert (
        "true"
        == by_requests["metadata"]["annotations"]["scaledobject.keda.sh/transfer-hpa-ownership"]
    )
