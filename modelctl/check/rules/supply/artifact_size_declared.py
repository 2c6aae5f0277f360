"""A release says how many bytes its model file has, and is right.

## What it does
Refuses an artifact without a size in whole bytes. Where an environment reads the file from this
repository, compares the size with the file's.

## Why
The server sizes its download by it and refuses to read further; memory and start-up budgets are
planned with it.

## Bad
```yaml
artifact: {uri: "s3://models/churn/r2.onnx", sha256: "9f86…", bytes: 148 kB}
```

## Good
```yaml
artifact: {uri: "s3://models/churn/r2.onnx", sha256: "9f86…", bytes: 148322}
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles

ID = "artifact-size-declared"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each size that is missing, malformed or not that of its file.

    A file with another digest is another file: its size is no fault of its own.
    """
    yield from files.faults_of(ID)
    for release_id, release in files.releases.items():
        declared = release.artifact
        for facts in files.artifacts_of(declared.uri):
            if facts.sha256 == declared.sha256 and facts.size_bytes != declared.size_bytes:
                path = layout.release_file(files.folder, release_id)
                position = files.documents[path].at("artifact", "bytes")
                message = f"found {declared.size_bytes}, expected {facts.size_bytes}"
                remedy = f"write bytes: {facts.size_bytes}, the size of {facts.path}"
                yield Violation(path, position, message, remedy)
