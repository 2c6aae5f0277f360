"""The files of a release are where a server of each environment can read them.

## What it does
Refuses, in an environment of Argo CD, a `file:` URI of a release that is deployed there, after the
environment's mirrors. Refuses URIs that name no file: a bucket, container or host without a path, a
fragment, a query where no web server is asked, `..` in a path.

## Why
A pod has no checkout of this repository, and a URI without an object is an error of the store. The
server says so when it starts, after the merge.

## Bad
```yaml
# deployed in prod, which has no mirror for it
artifact: {uri: "file:artifacts/churn/r2.onnx", sha256: 9f86…, bytes: 148322}
```

## Good
```yaml
artifact: {uri: "s3://models/churn/r2.onnx", sha256: 9f86…, bytes: 148322}
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.repo import mirrors
from modelctl.repo.kinds import Release
from modelctl.repo.repository import ModelFiles

ID = "uri-readable"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each URI that no server can read."""
    for key, release in files.releases.items():
        for part, uri in _uris(release):
            fault = _fault(uri)
            if fault:
                message = f"found {fault} in {uri}, expected the place of one file"
                remedy = "write the whole address of the object"
            elif places := list(_unreadable(files, key, uri)):
                message = f"found a file of this repository, which no pod in {places[0]} can read"
                remedy = "upload it to a store, or give the environment a mirror for it"
            else:
                continue
            yield in_release(files, key, part, "uri", message=message, remedy=remedy)


def _uris(release: Release) -> Iterator[tuple[str, str]]:
    yield "artifact", release.artifact.uri
    if release.golden:
        yield "golden", release.golden.uri


def _fault(uri: str) -> str:
    scheme, _, rest = uri.partition(":")
    authority, _, path = rest.removeprefix("//").partition("/")
    if "#" in rest or ("?" in rest and scheme != "https"):
        return "a query or fragment"
    if ".." in rest.split("/"):
        return "'..'"
    if scheme == "file":
        return "no path" if rest.strip("/.") == "" or rest.endswith("/") else ""
    if not authority or not path.strip("/") or path.endswith("/"):
        return "no path to an object"
    return ""


def _unreadable(files: ModelFiles, release: str, uri: str) -> Iterator[str]:
    """The environments of Argo CD that would read it from a file."""
    for environment, serving in files.served:
        is_by_pods = environment.engine == "argocd" and release in serving.deployed
        if is_by_pods and mirrors.mirrored(uri, environment.artifact_mirrors).startswith("file:"):
            yield environment.name
