"""A digest is that of a file, not a placeholder.

## What it does
Refuses a SHA-256 of a model or golden file that is all zeros, or that of no bytes at all.

## Why
A placeholder that was to be replaced has the form of a digest. The server compares, refuses the
file and restarts for ever.

## Bad
```yaml
artifact:
  sha256: "0000000000000000000000000000000000000000000000000000000000000000"
```

## Good
```yaml
artifact:
  sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import ModelFiles

ID = "digest-plausible"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL

_PLACEHOLDERS = {
    "0" * 64: "nothing but zeros",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855": "that of no bytes at all",
}
_REMEDY = "write what `sha256sum` prints for the file"


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each digest that no file of a release has."""
    for key, release in files.releases.items():
        golden = release.golden.sha256 if release.golden else ""
        for part, sha256 in (("artifact", release.artifact.sha256), ("golden", golden)):
            if sha256 in _PLACEHOLDERS:
                message = f"found {_PLACEHOLDERS[sha256]}, expected the digest of this file"
                yield in_release(files, key, part, "sha256", message=message, remedy=_REMEDY)
