"""Every release takes and gives what the model promises, and what its file really has.

## What it does
Compares the `graph` of each release with the `contract` in `model.yaml`: each input and output by
name, datatype, number of dimensions and size. A graph may take more than the contract lets callers
send (any size where the contract fixes one), give less than it lets them expect (one size where the
contract allows any) and give outputs that the contract leaves out. A release may have a `contract`
of its own, which its servers hold to: the graph has to keep that one, and that one the model's.
Where an environment reads the model file from this repository, compares `graph` with the file
itself and refuses a file that ONNX Runtime would not load: an operator that it does not know, a
value that nothing gives, a tensor without its data, types or shapes that do not fit, and the like.
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
from dataclasses import replace

from modelctl.finding import Level, Scope, Violation
from modelctl.model.signature import Difference, differences, exact_differences
from modelctl.model.tensors import Contract, Graph
from modelctl.repo import layout
from modelctl.repo.documents import Document
from modelctl.repo.kinds import Release
from modelctl.repo.repository import ModelFiles

ID = "io-contract-compatible"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each place where a graph is not what it has to be."""
    untrue = set()
    for key, release in files.releases.items():
        for finding in _against_file(files, release):
            untrue.add(key)
            yield finding
    if files.model is None:
        yield from _beside_each_other(files)
        return
    for key, release in files.releases.items():
        if key not in untrue:
            yield from _against_contract(files, release, files.model.contract)


def _against_file(files: ModelFiles, release: Release) -> Iterator[Violation]:
    document = files.documents[layout.release_file(release.folder, release.id)]
    for facts in files.artifacts_of(release.artifact.uri):
        if facts.sha256 not in ("", release.artifact.sha256):
            continue  # another file, which model-digest-pinned tells
        problem = facts.problem_with(release.runtime.providers)
        if facts.graph is None or problem:
            position = document.at("artifact", "uri")
            message = f"found that {facts.path} {problem}, expected what ONNX Runtime loads"
            yield Violation(document.path, position, message, "export the model again")
            continue
        remedy = f"write graph as `modelctl release` reads it from {facts.path}"
        for difference in exact_differences(release.graph, facts.graph):
            yield _finding(document, difference, "in the file", remedy)


def _against_contract(
    files: ModelFiles, release: Release, contract: Contract
) -> Iterator[Violation]:
    document = files.documents[layout.release_file(release.folder, release.id)]
    path = layout.model_file(release.folder)
    remedy = "export the model so, or serve it as a model of its own"
    for difference in differences(release.graph, release.promised):
        line = document.at("contract", *difference.expected_at).line
        yield _finding(document, difference, f"by line {line}", remedy)
    for difference in differences(_seen(release), contract):
        line = files.documents[path].at("contract", *difference.expected_at).line
        yield _finding(document, difference, f"by {path}:{line}", remedy, _part(release))


def _seen(release: Release) -> Graph:
    """The graph of a release as its callers see it."""
    promised = release.promised
    return replace(release.graph, inputs=promised.inputs, outputs=promised.outputs)


def _part(release: Release) -> str:
    """Where a release says what its callers see."""
    return "contract" if release.contract else "graph"


def _beside_each_other(files: ModelFiles) -> Iterator[Violation]:
    for serving in files.servings.values():
        stable = files.releases.get(serving.stable)
        if stable is not None:
            for other in serving.deployed:
                yield from _beside_stable(files, files.releases.get(other, stable), stable)


def _beside_stable(files: ModelFiles, release: Release, stable: Release) -> Iterator[Violation]:
    document = files.documents[layout.release_file(release.folder, release.id)]
    remedy = "serve only releases together that take and give the same"
    for difference in differences(_seen(release), stable.promised):
        whose = f"by {stable.id}, which serves beside it"
        yield _finding(document, difference, whose, remedy, _part(release))


def _finding(
    document: Document, difference: Difference, whose: str, remedy: str, part: str = "graph"
) -> Violation:
    position = document.at(part, *difference.found_at)
    message = f"{difference.what}: found {difference.found}, expected {difference.expected} {whose}"
    return Violation(document.path, position, message, remedy)
