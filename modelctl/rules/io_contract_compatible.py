"""Every release takes and gives what the model promises, and what its file really has.

## What it does
Compares the `graph` of each release with the `contract` in `model.yaml`: each input and output by
name, datatype, number of dimensions and size. A graph may take more than the contract lets callers
send (any size where the contract fixes one) and give outputs that the contract leaves out. Where an
environment reads the model file from this repository, compares `graph` with the file itself and
refuses a file that ONNX Runtime would not load: an operator that it does not know, a value that
nothing gives, a tensor without its data, types or shapes that do not fit, and the like.
While `model.yaml` is faulty, compares the releases that serve together with the stable one.

## Why
A canary with other inputs answers its share of requests with errors. A server whose graph does not
keep the contract, or that cannot load its file, never becomes ready.

## Bad
```yaml
# model.yaml: contract: {inputs: [{name: image, datatype: FP32, shape: [-1, 1, 8, 8]}], ...}
graph:
  inputs: [{name: image, datatype: FP32, shape: [-1, 64]}]
```

## Good
```yaml
# model.yaml: contract: {inputs: [{name: image, datatype: FP32, shape: [-1, 1, 8, 8]}], ...}
graph:
  inputs: [{name: image, datatype: FP32, shape: [-1, 1, 8, 8]}]
```
"""

from collections.abc import Iterator

from modelctl import layout
from modelctl.documents import Document
from modelctl.finding import Finding, Level
from modelctl.kinds import Contract, Graph, Release
from modelctl.repository import Repository
from modelctl.signature import Difference, differences, exact_differences

ID = "io-contract-compatible"
LEVEL = Level.ERROR


def check(repository: Repository) -> Iterator[Finding]:
    """One finding for each place where a graph is not what it has to be."""
    untrue = set()
    for key, release in repository.releases.items():
        for finding in _against_file(repository, release):
            untrue.add(key)
            yield finding
    for key, release in repository.releases.items():
        model = repository.models.get(release.folder)
        if model is not None and key not in untrue:
            yield from _against_contract(repository, release, model.contract)
    for serving in repository.servings.values():
        stable = repository.releases.get((serving.folder, serving.stable))
        if stable is not None and serving.folder not in repository.models:
            for other in serving.deployed:
                release = repository.releases.get((serving.folder, other), stable)
                yield from _beside_stable(repository, release, stable)


def _against_file(repository: Repository, release: Release) -> Iterator[Finding]:
    document = repository.documents[layout.release_file(release.folder, release.id)]
    for facts in repository.artifacts_of(release.artifact.uri):
        if facts.sha256 not in ("", release.artifact.sha256):
            continue  # another file, which model-digest-pinned tells
        problem = facts.problem_with(release.runtime.providers)
        if facts.graph is None or problem:
            place = document.at("artifact", "uri")
            message = f"found that {facts.path} {problem}"
            yield Finding(document.path, place, ID, message, "export the model again", LEVEL)
            continue
        remedy = f"write graph as `modelctl release` reads it from {facts.path}"
        for difference in exact_differences(release.graph, facts.graph):
            yield _finding(document, difference, "in the file", remedy)


def _against_contract(
    repository: Repository, release: Release, contract: Contract
) -> Iterator[Finding]:
    document = repository.documents[layout.release_file(release.folder, release.id)]
    path = layout.model_file(release.folder)
    remedy = "export the model so, or serve it as a model of its own"
    for difference in differences(release.graph, contract):
        line = repository.documents[path].at("contract", *difference.expected_at).line
        yield _finding(document, difference, f"by {path}:{line}", remedy)


def _beside_stable(repository: Repository, release: Release, stable: Release) -> Iterator[Finding]:
    document = repository.documents[layout.release_file(release.folder, release.id)]
    remedy = "serve only releases together that take and give the same"
    for difference in differences(release.graph, _contract(stable.graph)):
        yield _finding(document, difference, f"by {stable.id}, which serves beside it", remedy)


def _contract(graph: Graph) -> Contract:
    return Contract(graph.inputs, graph.outputs)


def _finding(document: Document, difference: Difference, whose: str, remedy: str) -> Finding:
    place = document.at("graph", *difference.found_at)
    message = f"{difference.what}: found {difference.found}, expected {difference.expected} {whose}"
    return Finding(document.path, place, ID, message, remedy, LEVEL)
