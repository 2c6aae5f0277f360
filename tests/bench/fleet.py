"""A fleet: a real repository of many models, as people and the renderer would have written it.

Each model differs from the others in its numbers, so that no reader gets any file for nothing.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modelctl.edit import scaffold
from modelctl.model.tensors import Contract, Graph, TensorSpec
from modelctl.render import drift
from modelctl.repo import layout
from modelctl.repo.kinds import (
    Artifact,
    Golden,
    Model,
    Resources,
    Runtime,
    Scale,
    ServiceLevel,
    Serving,
)
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree
from tests.bench.fast_import import Import

_ENVIRONMENTS = ("dev", "staging", "prod", "canary", "edge", "dr")
_TEAMS = 20
_IN_GIT = "https://artifacts.example.com/"  # what the first environment's mirror replaces
_GRAPH = Graph(
    10,
    {"ai.onnx": 17},
    (TensorSpec("features", "FP32", (-1, 10)),),
    (TensorSpec("price", "FP32", (-1, 1)),),
)

_SOURCE = 'repository: {url: "https://git.fleet.test/fleet.git", revision: refs/heads/main}\n'
_ENVIRONMENT = """\
  - name: {name}
    engine: {engine}
    template: v1
    gateway: {{name: models, namespace: gateway, listener: https, hostname: {name}.fleet.test}}
"""
_TEAM = "  - {{name: team-{team}, description: Owns models., groups: [team-{team}]}}\n"


@dataclass(frozen=True, slots=True)
class Fleet:
    """How many models, in how many environments, with how many releases each.

    With `artifact_bytes` the last release of the first model is a file of about that size in the
    repository, which the first environment reads.
    """

    models: int
    environments: int = 3
    releases: int = 2
    artifact_bytes: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The environments, in promotion order."""
        return _ENVIRONMENTS[: self.environments]


def folder_of(number: int) -> str:
    """The folder of a model, counted from 0."""
    return f"model-{number:04}"


def make(root: Path, fleet: Fleet) -> None:
    """Write the repository below an empty folder, render it, and commit all of it."""
    files = dict(_typed(fleet))
    for path, content in files.items():
        _write(root / path, content)
    repository = load(WorkTree(root))
    models = (drift.expected(repository.model(folder)) for folder in repository.folders)
    for generated in (drift.expected_shared(repository), *models):
        files |= generated
        for path, content in generated.items():
            _write(root / path, content)
    with Import(root) as commits:
        commits.add("fleet: Begin", files)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _typed(fleet: Fleet) -> Iterator[tuple[str, bytes]]:
    """What people would have written."""
    yield layout.ENVIRONMENTS, _environments(fleet).encode()
    teams = "".join(_TEAM.format(team=team) for team in range(min(_TEAMS, fleet.models)))
    yield layout.TEAMS, f"teams:\n{teams}".encode()
    for number in range(fleet.models):
        yield from _model(fleet, number)


def _environments(fleet: Fleet) -> str:
    engines = ("local", *["argocd"] * fleet.environments)
    names = zip(fleet.names, engines, strict=False)
    first, *others = (_ENVIRONMENT.format(name=name, engine=engine) for name, engine in names)
    mirror = f'    artifact_mirrors: {{"{_IN_GIT}": "file:artifacts/"}}\n'
    return f"{_SOURCE}environments:\n{first}{mirror}{''.join(others)}"


def _model(fleet: Fleet, number: int) -> Iterator[tuple[str, bytes]]:
    folder = folder_of(number)
    level = ServiceLevel(20 + number % 80, 0.001, 100 + number)
    contract = Contract(_GRAPH.inputs, _GRAPH.outputs)
    words = f"Predicts price {number} from ten features."
    model = Model(folder, folder, f"team-{number % _TEAMS}", words, contract, level)
    yield layout.model_file(folder), scaffold.model_text(model).encode()
    for count in range(1, fleet.releases + 1):
        yield layout.release_file(folder, f"r{count}"), release_file(folder, count)
    if number == 0 and fleet.artifact_bytes:
        yield from _large(folder, fleet.releases, fleet.artifact_bytes)
    for position, name in enumerate(fleet.names):
        serving = _serving(fleet, number, position)
        yield layout.serving_file(folder, name), scaffold.serving_text(serving).encode()


def _serving(fleet: Fleet, number: int, position: int) -> Serving:
    """In the last environment everything goes to the last release; in the others it is coming."""
    *others, last = (f"r{count}" for count in range(1, fleet.releases + 1))
    is_settled = position == fleet.environments - 1 or not others
    percent = 100 if is_settled else 1 + (7 * number + 3 * position) % 99
    weights = dict.fromkeys(others, 0) | {last: percent}
    stable = last if is_settled else others[-1]
    weights[stable] = 100 if is_settled else 100 - percent
    scale = Scale(min=1 + number % 3, max=4 + number % 13, metric="cpu", target=50 + number % 31)
    return Serving(
        folder_of(number), fleet.names[position], stable, weights, None, scale, paused=False
    )


def release_file(folder: str, count: int) -> bytes:
    """The file of a release that is somewhere else than in the repository."""
    digest = hashlib.sha256(f"{folder} {count}".encode()).hexdigest()
    artifact = Artifact(f"s3://models/{folder}/r{count}.onnx", digest, 100_000 + count)
    golden = Golden(f"s3://models/{folder}/r{count}.golden.json", digest)
    return _release(artifact, _GRAPH, golden)


def _large(folder: str, count: int, size_bytes: int) -> Iterator[tuple[str, bytes]]:
    """A release whose artifact lies in the repository, and the artifact."""
    from tests.bench.artifact import onnx_file  # noqa: PLC0415 - onnx takes long to import

    content = onnx_file(size_bytes, _GRAPH)
    digest = hashlib.sha256(content).hexdigest()
    artifact = Artifact(f"{_IN_GIT}{folder}/r{count}.onnx", digest, len(content))
    yield f"artifacts/{folder}/r{count}.onnx", content
    yield layout.release_file(folder, f"r{count}"), _release(artifact, _GRAPH, None)


def _release(artifact: Artifact, graph: Graph, golden: Golden | None) -> bytes:
    return scaffold.release_text(
        scaffold.NewRelease(
            artifact=artifact,
            graph=graph,
            image=f"registry.example.com/modelserver@sha256:{artifact.sha256}",
            runtime=Runtime(("cpu",), threads=2, max_inflight=64, batching=None),
            resources=Resources("2", "1Gi", None),
            golden=golden,
            provenance=scaffold.Provenance("fleet.py", artifact.sha256, {"rmse": 0.5}),
        )
    ).encode()
