"""What decides how many replicas a release has: by its processor, or by the requests in flight.

Source: Kubernetes, autoscaling/v2; KEDA 2.20, ScaledObject and its prometheus trigger.
"""

from typing import Any

from modelctl.render.v2 import metadata
from modelctl.repo.kinds import Environment, Model, Release, Scale

_CALM_BEFORE_SHRINKING_S = 300  # a pod that is needed again soon would have to load and warm up
_POLLING_S = 15  # as often as the HorizontalPodAutoscaler decides
_FAILURES = 3  # in a row, until what is said for want of data holds
_PROMETHEUS_PORT = 9090
_IN_FLIGHT = "modelserver_requests_in_flight"

_Part = dict[str, Any]


def autoscaler(model: Model, release: Release, scale: Scale, environment: Environment) -> _Part:
    """Replicas between `min` and `max`.

    The same for every release whatever its weight, so that a shift finds the pods there. It grows
    at once and may double every 15 seconds; it shrinks after five quiet minutes, by at most half
    of the pods a minute.
    """
    if scale.metric == "cpu":
        return _by_processor(model, release, scale)
    return _by_requests(model, release, scale, environment)


def _by_processor(model: Model, release: Release, scale: Scale) -> _Part:
    """A HorizontalPodAutoscaler on the share of the requested CPU in use."""
    target = {"type": "Utilization", "averageUtilization": scale.target}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata.release_metadata(model, release),
        "spec": {
            "scaleTargetRef": _target(model, release),
            "minReplicas": scale.min,
            "maxReplicas": scale.max,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
            "behavior": _behavior(),
        },
    }


def _by_requests(model: Model, release: Release, scale: Scale, environment: Environment) -> _Part:
    """A ScaledObject on the requests in flight.

    Without data, or without Prometheus, there is nothing to decide by: that must not look like no
    load. No answer is an error (`ignoreNullValues`), and after a few errors `fallback` keeps the
    replicas that there are, or `min` where these are fewer.

    KEDA works through a HorizontalPodAutoscaler. It has the name that the one on CPU would have,
    and may be taken over: else a change from one measure to the other would be refused, as each
    would find the other's at work.
    """
    described = metadata.release_metadata(model, release)
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {
            **described,
            "annotations": {"scaledobject.keda.sh/transfer-hpa-ownership": "true"},
        },
        "spec": {
            "scaleTargetRef": _target(model, release),
            "pollingInterval": _POLLING_S,
            "minReplicaCount": scale.min,
            "maxReplicaCount": scale.max,
            "fallback": {
                "failureThreshold": _FAILURES,
                "replicas": scale.min,
                "behavior": "currentReplicasIfHigher",
            },
            "advanced": {
                # What would be restored where it ends is a Deployment's 1, perhaps below `min`.
                "restoreToOriginalReplicaCount": False,
                "horizontalPodAutoscalerConfig": {
                    "name": described["name"],
                    "behavior": _behavior(),
                },
            },
            "triggers": [_trigger(model, release, scale, environment)],
        },
    }


def _trigger(model: Model, release: Release, scale: Scale, environment: Environment) -> _Part:
    """The mean of the pods that Prometheus has numbers of, times all that it knows.

    A sum would shrink with every pod that it misses, and so would the release.
    """
    labels = {"namespace": metadata.namespace(model), "model": model.name, "release": release.id}
    chosen = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return {
        "type": "prometheus",
        "metricType": "AverageValue",
        "metadata": {
            "serverAddress": _prometheus(environment),
            "query": f"avg({_IN_FLIGHT}{{{chosen}}}) * count(up{{{chosen}}})",
            "threshold": str(scale.target),
            "ignoreNullValues": "false",
        },
    }


def _prometheus(environment: Environment) -> str:
    """The Service that Prometheus' operator keeps in front of every Prometheus of a namespace."""
    namespace = environment.network.monitoring_namespace
    return f"http://prometheus-operated.{namespace}.svc:{_PROMETHEUS_PORT}"


def _target(model: Model, release: Release) -> _Part:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": metadata.release_name(model, release.id),
    }


def _behavior() -> _Part:
    return {
        "scaleUp": _rate(0, percent=100, period_s=15),
        "scaleDown": _rate(_CALM_BEFORE_SHRINKING_S, percent=50, period_s=60),
    }


def _rate(stabilization_s: int, *, percent: int, period_s: int) -> _Part:
    return {
        "stabilizationWindowSeconds": stabilization_s,
        "selectPolicy": "Max",
        "policies": [{"type": "Percent", "value": percent, "periodSeconds": period_s}],
    }
