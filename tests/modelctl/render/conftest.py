"""One small model with two releases in one environment: tests change a field of it at a time."""

from pathlib import Path

import pytest

from modelctl.model.tensors import Contract, Graph, TensorSpec
from modelctl.repo.kinds import (
    Artifact,
    Environment,
    Environments,
    Gateway,
    GitSource,
    Golden,
    Model,
    Release,
    Resources,
    Runtime,
    Scale,
    ServiceLevel,
    Serving,
)
from modelctl.repo.loading import load_model
from modelctl.repo.repository import ModelFiles, Repository
from modelctl.repo.tree import WorkTree

CONTRACT = Contract(
    inputs=(TensorSpec("image", "FP32", (-1, 1, 8, 8)),),
    outputs=(TensorSpec("probabilities", "FP32", (-1, 10)),),
)


def _release(release: str) -> Release:
    return Release(
        folder="digits-cnn",
        id=release,
        artifact=Artifact(
            uri=f"https://models.example.com/digits-cnn/{release}.onnx",
            sha256="a" * 64,
            size_bytes=148_322,
        ),
        graph=Graph(10, {"ai.onnx": 17}, CONTRACT.inputs, CONTRACT.outputs),
        image=f"registry.example.com/modelserver@sha256:{'b' * 64}",
        runtime=Runtime(providers=("cpu",), threads=2, max_inflight=64, batching=None),
        resources=Resources(cpu="2", memory="1Gi", gpu=None),
        golden=Golden(
            uri=f"https://models.example.com/digits-cnn/{release}.golden.json", sha256="c" * 64
        ),
    )


@pytest.fixture
def model() -> Model:
    """A model that promises 50 ms at the 99th percentile."""
    return Model(
        folder="digits-cnn",
        name="digits-cnn",
        owner="vision",
        description="Classifies 8x8 grey digits.",
        contract=CONTRACT,
        service_level=ServiceLevel(latency_p99_ms=50, error_rate=0.001, peak_rps=200),
    )


@pytest.fixture
def releases() -> dict[str, Release]:
    """Three releases that differ in nothing but their artifact."""
    return {release: _release(release) for release in ("r1", "r2", "r3")}


@pytest.fixture
def serving() -> Serving:
    """All traffic on r1."""
    return Serving(
        folder="digits-cnn",
        environment="staging",
        stable="r1",
        weights={"r1": 100},
        shadow=None,
        scale=Scale(min=2, max=8, metric="cpu", target=70),
        paused=False,
    )


@pytest.fixture
def environment() -> Environment:
    """An environment that Argo CD syncs, without mirrors."""
    return Environment(
        name="staging",
        engine="argocd",
        template="v1",
        gateway=Gateway("models", "gateway", "https", "models.staging.example.com"),
        artifact_mirrors={},
    )


@pytest.fixture
def repository(environment: Environment) -> Repository:
    """A repository of that one environment; no file of it is read."""
    source = GitSource("https://git.example.com/platform/models.git", "refs/heads/main")
    return Repository(
        entries={},
        contents={},
        documents={},
        faults=(),
        tree=WorkTree(Path("absent")),
        environments=Environments(source, (environment,)),
        generated={},
        applications={},
        load_model=load_model,
    )


@pytest.fixture
def files(
    repository: Repository, model: Model, releases: dict[str, Release], serving: Serving
) -> ModelFiles:
    """The files of that one model in that repository."""
    return ModelFiles(
        entries={},
        contents={},
        documents={},
        faults=(),
        folder=model.folder,
        repository=repository,
        model=model,
        releases=releases,
        servings={serving.environment: serving},
        generated={},
    )
