"""The server image of a release is pinned by digest.

## What it does
Refuses an `image` that is missing or does not end in `@sha256:` and 64 hexadecimal digits.

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

from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import ModelFiles

ID = "image-digest-pinned"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """The faults of form that loading found under this rule."""
    return files.faults_of(ID)
