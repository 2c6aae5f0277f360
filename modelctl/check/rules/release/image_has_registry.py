"""An image says which registry it comes from.

## What it does
Refuses an image without the host of a registry before its first slash.

## Why
Without a host the container runtime asks docker.io, or whatever a node's settings say: in a closed
network the pull never ends, in an open one somebody else's image may have the name.

## Bad
```yaml
image: modelserver@sha256:9f86…
```

## Good
```yaml
image: registry.example.com/modelserver@sha256:9f86…
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import ModelFiles

ID = "image-has-registry"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each image of no registry in particular."""
    for key, release in files.releases.items():
        if not release.image:
            continue
        host, slash, _ = release.image.partition("/")
        if not slash or not ("." in host or ":" in host or host == "localhost"):
            message = f"found {release.image.partition('@')[0]}, expected a registry's host before"
            remedy = "write it as registry.example.com/modelserver@sha256:…"
            yield in_release(files, key, "image", message=message, remedy=remedy)
