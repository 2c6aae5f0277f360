"""`modelctl import` on a real repository: three typed files, and what could not be carried over."""

from collections.abc import Callable
from pathlib import Path

import pytest

from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree
from scratch import PROJECT, git
from tests.modelctl.importing.registry import ONNX, SKLEARN, registry

Modelctl = Callable[..., str]
LINEAR = PROJECT / "examples" / "artifacts" / "linear" / "r1.onnx"
IMAGE = ("--image", f"registry.models.test/modelserver@sha256:{'ab' * 32}")
SAID = ("--description", "Predicts y from x.", *IMAGE)
ISVC = """
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: churn, namespace: forecasting}
spec:
  predictor:
    minReplicas: 2
    maxReplicas: 6
    logger: {mode: all}
    model:
      modelFormat: {name: onnx}
      storageUri: s3://models/churn/model.onnx
      resources: {requests: {cpu: "2", memory: 1Gi}}
"""
PBTXT = """
name: "Linear_1" backend: "onnxruntime" max_batch_size: 8
input [{ name: "x" data_type: TYPE_FP64 dims: [1] }]
output [{ name: "y" data_type: TYPE_FP32 dims: [1] }]
dynamic_batching { max_queue_delay_microseconds: 2000 }
"""


@pytest.fixture
def isvc(scratch: Path) -> str:
    """An InferenceService whose artifact is out of reach."""
    (scratch / "isvc.yaml").write_text(ISVC)
    return "isvc.yaml"


def test_a_service_becomes_three_files_and_a_list(
    scratch: Path, modelctl: Modelctl, isvc: str
) -> None:
    """Contract from the graph, scale and resources from the service; the rest is told."""
    told = modelctl("import", isvc, "--artifact", str(LINEAR), *SAID, "--commit")

    own = load(WorkTree(scratch)).model("churn")
    assert own.model is not None
    assert ("forecasting", "Predicts y from x.") == (own.model.owner, own.model.description)
    assert (2, 6) == (own.servings["local"].scale.min, own.servings["local"].scale.max)
    assert ("2", "1Gi") == (own.releases["r1"].resources.cpu, own.releases["r1"].resources.memory)
    assert "Not carried over from KServe:\n  metadata" not in told
    assert "  spec.predictor.logger: payloads are never logged" in told
    assert "apps/churn: Import model from KServe\n" == git(scratch, "log", "-1", "--format=%s")


def test_a_file_out_of_reach_is_asked_for(scratch: Path, modelctl: Modelctl, isvc: str) -> None:
    """A copy of the file is what says most; nothing is written without it."""
    told = modelctl("import", isvc, exit_code=2)

    assert "--artifact FILE: a copy of the ONNX file (it is at s3://models/churn" in told
    assert not (scratch / "apps").exists()


def test_an_artifact_out_of_reach_is_pinned_by_what_is_declared(
    scratch: Path, modelctl: Modelctl
) -> None:
    """Where nobody can read the bytes, digest, size and operator set are said by a person."""
    (scratch / "config.pbtxt").write_text(PBTXT)
    words = ("import", "config.pbtxt", "--model", "linear", "--owner", "forecasting", *SAID)
    assert "--sha256 HEX" in modelctl(*words, exit_code=2)

    modelctl(
        *words, "--uri", "s3://models/linear.onnx", "--sha256", "cd" * 32, "--bytes", "228",
        "--opset", "17",
    )  # fmt: skip

    release = load(WorkTree(scratch)).model("linear").releases["r1"]
    assert ("s3://models/linear.onnx", 228) == (release.artifact.uri, release.artifact.size_bytes)
    assert [("x", "FP64", (-1, 1))] == [
        (each.name, each.datatype, each.shape) for each in release.graph.inputs
    ]


def test_a_folder_of_triton_brings_its_latest_file(scratch: Path, modelctl: Modelctl) -> None:
    """The graph decides; a name that cannot be one here and another type are told."""
    folder = scratch / "Linear_1"
    (folder / "3").mkdir(parents=True)
    (folder / "config.pbtxt").write_text(PBTXT)
    (folder / "3" / "model.onnx").write_bytes(LINEAR.read_bytes())

    told = modelctl("import", str(folder), "--owner", "forecasting", *SAID)

    release = load(WorkTree(scratch)).model("linear-1").releases["r1"]
    assert release.runtime.batching is not None
    assert (8, 2) == (release.runtime.batching.max_size, release.runtime.batching.max_delay_ms)
    assert "name Linear_1: is linear-1 here" in told
    assert "input x: FP64[-1, 1] was declared; the graph has FP32[-1, 1], which is served" in told


def test_a_version_of_a_registry_is_imported_with_its_provenance(
    scratch: Path, modelctl: Modelctl
) -> None:
    """Run and metrics become the release's provenance, the description the model's."""
    files = {"MLmodel": ONNX.encode(), "model.onnx": LINEAR.read_bytes()}
    with registry(files) as address:
        words = ("models:/iris@champion", "--registry", address, "--owner", "forecasting")
        modelctl("import", *words, *IMAGE)

    release = (scratch / "apps/iris/releases/r1.yaml").read_text()
    assert "trained_from: MLflow run 7e1f\n  metrics: {accuracy: 0.97}" in release
    assert "description: Tells irises apart." in (scratch / "apps/iris/model.yaml").read_text()


def test_a_model_of_another_framework_is_refused_with_the_way(
    scratch: Path, modelctl: Modelctl
) -> None:
    """Its file has to become ONNX first; all else would be taken."""
    with registry({"MLmodel": SKLEARN.encode()}) as address:
        told = modelctl("import", "models:/iris/2", "--registry", address, exit_code=2)

    assert "found a model of scikit-learn, expected an ONNX file" in told
    assert "`modelctl package FILE --out DIR` of what `mlflow artifacts download` brings" in told
    assert not (scratch / "apps").exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.yaml", b"kind: Deployment", "found nothing of a platform that is known"),
        ("a.yaml", b"a: [", "a.yaml is no YAML"),
        ("a.yaml", b"\x80\x04", "found bytes that are no text"),
        ("a.json", b"{}", "found nothing of a platform that is known"),
        ("a.yaml", ISVC.encode() + b"---" + ISVC.replace("churn", "b").encode(), "--only NAME"),
        ("a.yaml", ISVC.replace("churn", "42").encode(), "metadata.name: found '42'"),
    ],
)
def test_what_is_no_description_is_refused(
    scratch: Path, modelctl: Modelctl, name: str, content: bytes, words: str
) -> None:
    """The message says what was found and which descriptions are known."""
    (scratch / name).write_bytes(content)

    assert words in modelctl("import", name, exit_code=2)


def test_one_of_several_models_is_chosen_by_name(scratch: Path, modelctl: Modelctl) -> None:
    """A file of several documents, as `kubectl get -o yaml` gives it."""
    (scratch / "all.yaml").write_text(f"{ISVC}---\n{ISVC.replace('churn', 'other')}")

    modelctl("import", "all.yaml", "--only", "other", "--artifact", str(LINEAR), *SAID)

    assert (scratch / "apps/other/model.yaml").is_file()
    assert not (scratch / "apps/churn").exists()
