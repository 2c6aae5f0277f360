"""Images and artifacts come from where an environment allows.

## What it does
Refuses a release that is deployed in an environment whose image does not begin with one of
`limits.image_registries`, or whose model or golden file, after the environment's mirrors, does not
begin with one of `limits.artifact_stores`.

## Why
What was not scanned does not run in production. Admission would refuse the image after the merge;
of a model file nothing else asks.

## Bad
```yaml
# limits: {image_registries: [registry.example.com/]} in argocd/environments.yaml
image: docker.io/somebody/modelserver@sha256:9f86…
```

## Good
```yaml
# limits: {image_registries: [registry.example.com/]} in argocd/environments.yaml
image: registry.example.com/modelserver@sha256:9f86…
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_release
from modelctl.finding import Level, Pointer, Scope, Violation
from modelctl.repo.kinds import Environment, Release
from modelctl.repo.mirrors import mirrored
from modelctl.repo.repository import ModelFiles

ID = "registry-allowed"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each image or file from elsewhere."""
    told = set()
    for environment, serving in files.served:
        for key in serving.deployed:
            release = files.releases.get(key)
            for at, found, allowed in _parts(environment, release) if release else ():
                if (key, at) in told or found.startswith(allowed):
                    continue
                told.add((key, at))
                message = f"found {found}, expected one that begins with "
                message += f"{' or '.join(allowed)} in {environment.name}"
                remedy = "copy it there; its digest stays the same"
                yield in_release(files, key, *at, message=message, remedy=remedy)


def _parts(
    environment: Environment, release: Release
) -> Iterator[tuple[Pointer, str, tuple[str, ...]]]:
    """Each address of a release that the environment limits, and what it may begin with."""
    limits, table = environment.limits, environment.artifact_mirrors
    if limits.image_registries:
        yield ("image",), release.image, limits.image_registries
    if limits.artifact_stores:
        yield ("artifact", "uri"), mirrored(release.artifact.uri, table), limits.artifact_stores
        if release.golden:
            yield ("golden", "uri"), mirrored(release.golden.uri, table), limits.artifact_stores
