"""Two releases of a model differ in something that a server can see.

## What it does
Warns of a release that has the model file, image, settings and resources of an older one.

## Why
A canary of the same bits proves nothing, and costs its pods. Two numbers for one thing also make a
rollback from one to the other look like a cure.

## Bad
```yaml
# apps/churn/releases/r3.yaml is r2.yaml under another name
artifact: {uri: "s3://models/churn/r2.onnx", sha256: 9f86…, bytes: 148322}
```

## Good
```yaml
# apps/churn/releases/r3.yaml
artifact: {uri: "s3://models/churn/r3.onnx", sha256: 60a1…, bytes: 148511}
```
"""

from collections.abc import Iterator
from dataclasses import replace

from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.kinds import Artifact, Golden, Release
from modelctl.repo.repository import ModelFiles

ID = "duplicate-bits"
LEVEL = Level.WARNING
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One warning for each release that is an older one."""
    seen: list[tuple[Release, str]] = []
    for key, release in files.releases.items():
        bits = _bits(release)
        twin = next((other for known, other in seen if known == bits), None)
        if twin is not None:
            message = f"found what {twin} is already, expected a release that differs from it"
            remedy = f"serve {twin}, or correct what was copied"
            yield in_release(files, key, message=message, remedy=remedy)
        seen.append((bits, key))


def _bits(release: Release) -> Release:
    """A release without its name and the places of its files: their digests say what they are."""
    artifact = Artifact("", release.artifact.sha256, release.artifact.size_bytes)
    golden = Golden("", release.golden.sha256) if release.golden else None
    return replace(release, id="", artifact=artifact, golden=golden)
