"""SeldonDeployments and Models in the shapes that Seldon Core's own samples have."""

import pytest
import yaml

from modelctl.errors import UsageError
from modelctl.importing import seldon
from modelctl.importing.found import Found
from modelctl.repo.kinds import Scale

_CANARY = """
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: {name: iris, namespace: forecasting}
spec:
  name: iris
  protocol: v2
  annotations: {seldon.io/rest-timeout: "100000"}
  predictors:
    - name: canary
      traffic: 25
      replicas: 1
      graph: {name: classifier, implementation: TRITON_SERVER, modelUri: "s3://m/iris-2.onnx"}
    - name: main
      traffic: 75
      replicas: 2
      componentSpecs:
        - spec:
            containers:
              - name: other
                resources: {requests: {memory: 9Gi}}
              - name: classifier
                image: example/server:1
                env: [{name: A, value: b}]
                resources: {requests: {cpu: "1", memory: 256Mi}, limits: {memory: 512Mi}}
          hpaSpec:
            minReplicas: 2
            maxReplicas: 5
            metrics: [{type: Resource, resource: {name: cpu, targetAverageUtilization: 55}}]
      graph:
        name: classifier
        type: MODEL
        implementation: ONNX_SERVER
        modelUri: s3://m/iris.onnx
        children: []
        logger: {mode: all}
    - name: look
      shadow: true
      traffic: 100
      graph: {name: classifier, implementation: ONNX_SERVER, modelUri: "s3://m/iris-3.onnx"}
"""


def _read(text: str) -> Found:
    return seldon.read(yaml.safe_load(text))


def test_the_predictor_with_most_traffic_is_imported() -> None:
    """Its replicas, resources and place are carried over; a shadow has no traffic."""
    found = _read(_CANARY)

    assert ("iris", "onnx", "s3://m/iris.onnx") == (found.name, found.kind, found.uri)
    assert Scale(2, 5, "cpu", 55) == found.scale
    assert ("1", "512Mi", None) == (found.cpu, found.memory, found.gpu)


def test_the_others_are_told_with_the_way_to_releases() -> None:
    """A canary and a shadow are releases that somebody adds."""
    left = {left.where: left.why for left in _read(_CANARY).left}

    assert "25 % of the traffic" in left["predictor canary"]
    assert "a shadow" in left["predictor look"]
    assert any(where.endswith("graph.logger") for where in left)
    assert not [where for where in left if where.startswith("spec.predictors[0]")]


def test_a_model_of_the_second_core_is_read() -> None:
    """Its requirement names the format."""
    found = _read("""
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: iris}
spec: {storageUri: "gs://m/iris.onnx", requirements: [onnx], memory: 100Ki, replicas: 3}
""")

    assert ("iris", "onnx", "gs://m/iris.onnx") == (found.name, found.kind, found.uri)
    assert ("1Mi", Scale(3, 4, "cpu", 70)) == (found.memory, found.scale)


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        ("{name: r, type: ROUTER, children: []}", "found a ROUTER, expected a MODEL"),
        ("{name: r, implementation: RANDOM_ABTEST}", "weights of releases share traffic"),
        ("{name: r, type: MODEL}", r"graph\.modelUri: found none.*modelctl package"),
    ],
)
def test_what_is_no_single_model_file_is_refused(graph: str, words: str) -> None:
    """Routers, combiners and servers of one's own say what to do."""
    with pytest.raises(UsageError, match=words):
        _read(f"{{kind: SeldonDeployment, spec: {{predictors: [{{graph: {graph}}}]}}}}")


def test_no_predictor_is_refused() -> None:
    """An empty deployment serves nothing."""
    with pytest.raises(UsageError, match=r"spec\.predictors: found none"):
        _read("{kind: SeldonDeployment, spec: {}}")
