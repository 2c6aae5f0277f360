"""A golden file within reach is one, and fits the contract.

## What it does
Where the golden file of a release lies in this repository or in the laptop's store, reads it: JSON
of the known form with at least one case, inputs and outputs by the names and datatypes of the
contract, shapes that fit it, as many values as the shape has places, every input in every case.

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
from collections.abc import Callable, Iterator
from functools import partial

from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.model.golden import MAX_BYTES, golden_problem
from modelctl.repo import mirrors, stored
from modelctl.repo.kinds import Release
from modelctl.repo.repository import ModelFiles
from modelctl.repo.tree import EntryKind

ID = "golden-fits-contract"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each golden file that a server would refuse."""
    for key, release in files.releases.items():
        for path, size_bytes, read in _within_reach(files, release):
            problem = _problem(files, release, size_bytes, read)
            if problem:
                message = f"found that {path} {problem}, expected what the server can replay"
                remedy = "record it anew with `modelctl release`"
                yield in_release(files, key, "golden", "uri", message=message, remedy=remedy)


def _within_reach(
    files: ModelFiles, release: Release
) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    """Name, size and bytes of the golden file, wherever it can be read."""
    if release.golden is None or files.model is None:
        return
    tree, uri = files.repository.tree, release.golden.uri
    tables = [mirrors.table(environment) for environment in files.environments.ordered]
    for path in mirrors.read_paths([uri], tables):
        entry = tree.entry(path)
        if entry is not None and entry.kind is EntryKind.FILE:  # else release-exists tells
            yield path, entry.size_bytes, partial(tree.read, path)
    for facts in files.artifacts_of(uri):
        file = stored.within(tree.git_folder, facts.path)
        if file is not None:
            yield facts.path, facts.size_bytes, file.read_bytes


def _problem(
    files: ModelFiles, release: Release, size_bytes: int, read: Callable[[], bytes]
) -> str:
    if size_bytes > MAX_BYTES:
        return f"has {size_bytes} bytes, more than {MAX_BYTES}"
    content = read()
    if (
        files.model is None
        or release.golden is None
        or hashlib.sha256(content).hexdigest() != release.golden.sha256
    ):
        return ""  # another file, which model-digest-pinned tells
    return golden_problem(content, files.model.contract)
