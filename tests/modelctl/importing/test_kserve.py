"""InferenceServices in the shapes that KServe's own samples have, old and new."""

import pytest
import yaml

from modelctl.errors import UsageError
from modelctl.importing import kserve
from modelctl.importing.found import Found
from modelctl.repo.kinds import Batching, Gpu, Scale

_NEW = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: churn
  namespace: forecasting
  annotations: {serving.kserve.io/deploymentMode: RawDeployment}
spec:
  predictor:
    minReplicas: 2
    maxReplicas: 6
    scaleTarget: 60
    scaleMetric: cpu
    containerConcurrency: 12
    timeout: 45
    canaryTrafficPercent: 10
    batcher: {maxBatchSize: 16, maxLatency: 300}
    serviceAccountName: s3-reader
    model:
      modelFormat: {name: onnx, version: "1"}
      protocolVersion: v2
      storageUri: s3://models/churn/model.onnx
      resources:
        requests: {cpu: 500m, memory: 512Mi}
        limits: {cpu: "2", memory: 2Gi, nvidia.com/gpu: 1}
      env: [{name: OMP_NUM_THREADS, value: "2"}]
  transformer:
    containers: [{name: kserve-container, image: example/prepare:1}]
"""
_KFSERVING = """
apiVersion: serving.kubeflow.org/v1alpha2
kind: InferenceService
metadata: {name: flowers}
spec:
  default:
    predictor:
      minReplicas: 1
      onnx: {storageUri: "gs://models/flowers"}
  canaryTrafficPercent: 20
  canary:
    predictor:
      onnx: {storageUri: "gs://models/flowers-2"}
"""


def _read(text: str) -> Found:
    return kserve.read(yaml.safe_load(text))


def test_a_predictor_becomes_scale_resources_and_runtime() -> None:
    """Replicas, what they follow, resources, limits of requests and batching are carried over."""
    found = _read(_NEW)

    assert ("churn", "onnx", "forecasting") == (found.name, found.kind, found.owner)
    assert "s3://models/churn/model.onnx" == found.uri
    assert Scale(2, 6, "cpu", 60) == found.scale
    assert ("500m", "2Gi", Gpu("nvidia.com/gpu", 1)) == (found.cpu, found.memory, found.gpu)
    assert (12, 45, Batching(16, 300.0)) == (
        found.max_inflight,
        found.request_timeout_s,
        found.batching,
    )


def test_what_has_no_place_is_told_once_each() -> None:
    """Each part that is left behind has one line with its reason."""
    left = {left.where: left.why for left in _read(_NEW).left}

    assert "--before" in left["spec.transformer"]
    assert "modelctl shift" in left["spec.predictor.canaryTrafficPercent"]
    assert "stores" in left["spec.predictor.serviceAccountName"]
    assert "settings" in left["spec.predictor.model.env"]
    assert not [why for why in left.values() if "nothing here" in why]


def test_the_formats_before_are_read_too() -> None:
    """A key names the format, and the canary stands beside the default."""
    found = _read(_KFSERVING)

    assert ("flowers", "onnx", "gs://models/flowers") == (found.name, found.kind, found.uri)
    assert Scale(1, 4, "cpu", 70) == found.scale
    assert {"spec.canary", "spec.canaryTrafficPercent"} <= {left.where for left in found.left}


@pytest.mark.parametrize(
    ("fields", "scale"),
    [
        ("minReplicas: 0, maxReplicas: 3", Scale(1, 3, "cpu", 70)),
        ("scaleMetric: concurrency, scaleTarget: 5", Scale(1, 4, "inflight", 5)),
        ("scaleTarget: 7", Scale(1, 4, "inflight", 7)),
        ("scaleMetric: rps, scaleTarget: 9, maxReplicas: 2", Scale(1, 2, "cpu", 70)),
        ("minReplicas: 9", Scale(9, 9, "cpu", 70)),
    ],
)
def test_scaling_is_carried_as_far_as_it_goes(fields: str, scale: Scale) -> None:
    """Nothing scales to nothing, concurrency is requests in flight, and rates are not followed."""
    found = _read(f"{{metadata: {{name: m}}, spec: {{predictor: {{{fields}, onnx: {{}}}}}}}}")

    assert scale == found.scale


def test_an_autoscaling_annotation_is_requests_in_flight() -> None:
    """Knative's target is one of concurrency unless it says otherwise."""
    found = _read(
        "metadata: {name: m, annotations: {autoscaling.knative.dev/target: '3'}}\n"
        "spec: {predictor: {onnx: {storageUri: 's3://b/m.onnx'}}}"
    )

    assert Scale(1, 4, "inflight", 3) == found.scale


def test_a_place_by_bucket_and_path_is_an_address() -> None:
    """`storage` names a place in parts."""
    found = _read(
        "metadata: {name: m}\nspec: {predictor: {model: {modelFormat: {name: onnx}, storage: "
        "{path: /m/model.onnx, key: k, parameters: {type: s3, bucket: b}}}}}"
    )

    assert "s3://b/m/model.onnx" == found.uri


def test_a_server_of_ones_own_is_refused_with_the_way() -> None:
    """A custom container has no model file that could be released."""
    with pytest.raises(UsageError, match=r"spec\.predictor\.containers: .*modelctl package"):
        _read("metadata: {name: m}\nspec: {predictor: {containers: [{image: x}]}}")
