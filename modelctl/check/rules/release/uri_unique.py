"""One place holds one file.

## What it does
Refuses two releases of a model that name the same URI with different digests or sizes, and a
release whose model file and golden file are one.

## Why
A store has one object under a URI. Where two releases disagree on its bytes, one of them can never
start: usually the older one, which is the way back, because training has overwritten its file.

## Bad
```yaml
# apps/churn/releases/r2.yaml, while r1 names the same uri with another sha256
artifact: {uri: "s3://models/churn/latest.onnx", sha256: 9f86…, bytes: 148322}
```

## Good
```yaml
# apps/churn/releases/r2.yaml
artifact: {uri: "s3://models/churn/r2.onnx", sha256: 9f86…, bytes: 148322}
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.kinds import Release
from modelctl.repo.repository import ModelFiles

ID = "uri-unique"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each file that cannot be where the release says."""
    first: dict[str, tuple[str, tuple[str, int]]] = {}
    for key, release in files.releases.items():
        for part, uri, identity in _named(release):
            owner, expected = first.setdefault(uri, (f"{part} of {key}", identity))
            if identity[0] != expected[0]:
                message = (
                    f"found {uri}, which is the {owner} with sha256 {expected[0][:12]}…, "
                    f"expected another place for {identity[0][:12]}…"
                )
                remedy = "store each file under a name of its own, and never overwrite one"
                yield in_release(files, key, part, "uri", message=message, remedy=remedy)
            elif identity[1] != expected[1] and part == "artifact":
                message = f"found {identity[1]} bytes, expected {expected[1]} as the {owner} has"
                remedy = "write the size that the file has"
                yield in_release(files, key, part, "bytes", message=message, remedy=remedy)


def _named(release: Release) -> Iterator[tuple[str, str, tuple[str, int]]]:
    """The part of a release that names a file, its URI, and digest and size."""
    artifact = release.artifact
    yield "artifact", artifact.uri, (artifact.sha256, artifact.size_bytes)
    if release.golden:
        yield "golden", release.golden.uri, (release.golden.sha256, 0)
