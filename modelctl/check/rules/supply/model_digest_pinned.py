"""The model file and the golden file of a release are pinned by SHA-256, and the pins are right.

## What it does
Refuses an artifact or a golden file without a digest of 64 lower-case hexadecimal digits. Where an
environment reads the file from this repository, compares the digest with the file's bytes. An
artifact that is mounted as an image is pinned by the image's own digest too: a node pulls by it.

## Why
Whoever can write to a bucket can change what production answers, and nobody sees it. A digest that
does not match its file keeps every server of the release from becoming ready.

## Bad
```yaml
artifact: {uri: "s3://models/churn/latest.onnx", sha256: "unknown", bytes: 148322}
```

## Good
```yaml
artifact:
  uri: s3://models/churn/r2.onnx
  sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  bytes: 148322
```
"""

import re
from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout, stored
from modelctl.repo.kinds import Release
from modelctl.repo.repository import ModelFiles

ID = "model-digest-pinned"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL

_IMAGE = re.compile(r"oci://[^\s@]+@sha256:[0-9a-f]{64}")


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each digest that is missing, malformed or not that of its file."""
    yield from files.faults_of(ID)
    for release_id, release in files.releases.items():
        path = layout.release_file(files.folder, release_id)
        if release.artifact.mount == "image" and not _IMAGE.fullmatch(release.artifact.uri):
            yield Violation(
                path,
                files.documents[path].at("artifact", "uri"),
                f"found {release.artifact.uri} to mount as an image, expected oci://…@sha256:…",
                "name the image by the digest that its registry gives, or leave out mount",
            )
        for part, uri, sha256 in _pins(release):
            named = stored.digest_in(uri)
            if named not in (None, sha256):
                position = files.documents[path].at(part, "sha256")
                message = f"found {sha256}, expected {named} as {uri} says"
                yield Violation(path, position, message, "write the digest of the file in both")
                continue
            for facts in files.artifacts_of(uri):
                if facts.sha256 not in ("", sha256):
                    position = files.documents[path].at(part, "sha256")
                    message = f"found {sha256}, expected {facts.sha256} as {facts.path} has"
                    remedy = "correct it while the release is new, else put the old file back"
                    yield Violation(path, position, message, remedy)


def _pins(release: Release) -> Iterator[tuple[str, str, str]]:
    yield "artifact", release.artifact.uri, release.artifact.sha256
    if release.golden:
        yield "golden", release.golden.uri, release.golden.sha256
