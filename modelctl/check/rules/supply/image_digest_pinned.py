"""The server image of a release is pinned by digest.

## What it does
Refuses an `image` that does not end in `@sha256:` and 64 hexadecimal digits; and a release without
one in an environment of `engine: argocd`. An environment of `engine: local` runs the server that is
installed there, and pulls no image.

## Why
A tag moves: two pods of one release then run different servers, and a revert brings back the text
but not the bits.

## Bad
```yaml
image: registry.example.com/modelserver:latest
```

## Good
```yaml
image: modelserver@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import ModelFiles

ID = "image-digest-pinned"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """The faults of form that loading found, and one finding for each release without an image."""
    yield from files.faults_of(ID)
    for environment, serving in files.served:
        if environment.engine != "argocd":
            continue
        for release_id in serving.deployed:
            release = files.releases.get(release_id)
            if release is not None and not release.image:
                message = f"found no image, expected one as {environment.name} pulls it"
                remedy = f"add a release that has one: `modelctl release {files.folder} --image …`"
                yield in_release(files, release_id, message=message, remedy=remedy)
