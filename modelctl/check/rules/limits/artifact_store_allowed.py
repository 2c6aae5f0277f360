"""Model files come from where an environment allows.

## What it does
Refuses a release that is deployed in an environment whose model or golden file, after the
environment's mirrors, does not begin with one of `limits.artifact_stores`.

## Why
What was not scanned does not run in production, and of a model file nothing after the merge asks:
admission in a cluster sees images alone, which `image-registry-allowed` holds.

## Bad
```yaml
# limits: {artifact_stores: ["s3://models/"]} in argocd/environments.yaml
artifact: {uri: "https://files.example.org/digits.onnx", sha256: 9f86…, bytes: 148322}
```

## Good
```yaml
# limits: {artifact_stores: ["s3://models/"]} in argocd/environments.yaml
artifact: {uri: "s3://models/digits/r2.onnx", sha256: 9f86…, bytes: 148322}
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_release
from modelctl.finding import Level, Pointer, Scope, Violation
from modelctl.repo.kinds import Environment, Release
from modelctl.repo.mirrors import mirrored, table
from modelctl.repo.repository import ModelFiles

ID = "artifact-store-allowed"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each file from elsewhere."""
    told = set()
    for environment, serving in files.served:
        allowed = environment.limits.artifact_stores
        for key in serving.deployed if allowed else ():
            release = files.releases.get(key)
            for at, found in _uris(environment, release) if release else ():
                if (key, at) in told or found.startswith(allowed):
                    continue
                told.add((key, at))
                message = f"found {found}, expected one that begins with "
                message += f"{' or '.join(allowed)} in {environment.name}"
                remedy = "copy it there; its digest stays the same"
                yield in_release(files, key, *at, message=message, remedy=remedy)


def _uris(environment: Environment, release: Release) -> Iterator[tuple[Pointer, str]]:
    """Where each file of a release stands, and where the environment reads it from."""
    mirrors = table(environment)
    yield ("artifact", "uri"), mirrored(release.artifact.uri, mirrors)
    if release.golden:
        yield ("golden", "uri"), mirrored(release.golden.uri, mirrors)
