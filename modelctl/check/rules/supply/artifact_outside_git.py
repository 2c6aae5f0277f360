"""Large files of releases are kept in a store, not in git.

## What it does
Warns of a model file or golden file of more than 1 MiB that an environment reads from this
repository.

## Why
Git keeps every version for ever, and every clone and every pipeline fetches all of them. A release
names its file by digest anyway, so that a store holds it as safely, once.

## Bad
```yaml
# with a mirror to file:artifacts/, and 324 MB in artifacts/churn/r2.onnx
artifact: {uri: "https://models.example.com/churn/r2.onnx", sha256: 9f86…, bytes: 324148322}
```

## Good
```yaml
# `modelctl release churn --artifact FILE` keeps the file in the store
artifact: {uri: "store:///9f86….onnx", sha256: 9f86…, bytes: 324148322}
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.repo import mirrors
from modelctl.repo.kinds import Release
from modelctl.repo.repository import ModelFiles

ID = "artifact-outside-git"
LEVEL = Level.WARNING
SCOPE = Scope.MODEL
MOST_BYTES = 1 << 20


def check(files: ModelFiles) -> Iterator[Violation]:
    """One warning for each large file of the repository that a release names."""
    for key, release in files.releases.items():
        for part, path, size_bytes in in_git(files, release):
            if size_bytes > MOST_BYTES:
                message = (
                    f"found {size_bytes} bytes in {path}, expected at most {MOST_BYTES} in git"
                )
                remedy = "keep the next release's in the store, as `modelctl release` does"
                yield in_release(files, key, part, "uri", message=message, remedy=remedy)


def in_git(files: ModelFiles, release: Release) -> Iterator[tuple[str, str, int]]:
    """Part, path and size of each file of a release that an environment reads from here."""
    tables = [mirrors.table(environment) for environment in files.environments.ordered]
    named = {"artifact": release.artifact.uri}
    named |= {"golden": release.golden.uri} if release.golden else {}
    for part, uri in named.items():
        for path in mirrors.read_paths([uri], tables):
            entry = files.repository.tree.entry(path)
            if entry is not None:
                yield part, path, entry.size_bytes
