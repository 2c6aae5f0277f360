"""A golden file within reach is one, and fits the contract.

## What it does
Where an environment reads the golden file of a release from this repository, reads it: JSON of the
known form with at least one case, inputs and outputs by the names and datatypes of the contract,
shapes that fit it, as many values as the shape has places, every input in every case.

## Why
The server replays the file before it says ready. One that it cannot read, or that was recorded for
another contract, keeps the release from ever being ready, after the merge.

## Bad
```json
{"cases": [{"inputs": [{"name": "y", "datatype": "FP32", "shape": [1, 1], "data": [2.0]}],
            "outputs": []}]}
```

## Good
```json
{"cases": [{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 1], "data": [2.0]}],
            "outputs": [{"name": "y", "datatype": "FP32", "shape": [1, 1], "data": [5.0]}]}]}
```
"""

import hashlib
from collections.abc import Iterator

from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.model.golden import MAX_BYTES, golden_problem
from modelctl.repo import mirrors
from modelctl.repo.kinds import Release
from modelctl.repo.repository import ModelFiles
from modelctl.repo.tree import EntryKind

ID = "golden-fits-contract"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each golden file that a server would refuse."""
    for key, release in files.releases.items():
        for path in _paths(files, release):
            problem = _problem(files, release, path)
            if problem:
                message = f"found that {path} {problem}, expected what the server can replay"
                remedy = "record it anew with `modelctl release`"
                yield in_release(files, key, "golden", "uri", message=message, remedy=remedy)


def _paths(files: ModelFiles, release: Release) -> list[str]:
    tables = [environment.artifact_mirrors for environment in files.environments.ordered]
    return mirrors.read_paths([release.golden.uri], tables) if release.golden else []


def _problem(files: ModelFiles, release: Release, path: str) -> str:
    tree = files.repository.tree
    entry = tree.entry(path)
    if entry is None or entry.kind is not EntryKind.FILE or files.model is None:
        return ""  # release-exists tells
    if entry.size_bytes > MAX_BYTES:
        return f"has {entry.size_bytes} bytes, more than {MAX_BYTES}"
    content = tree.read(path)
    if release.golden is None or hashlib.sha256(content).hexdigest() != release.golden.sha256:
        return ""  # another file, which model-digest-pinned tells
    return golden_problem(content, files.model.contract)
