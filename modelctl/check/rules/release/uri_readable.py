"""The files of a release are where a server of each environment can read them.

## What it does
Refuses, in an environment of Argo CD, a `file:` URI of a release that is deployed there, after the
environment's mirrors, and a `store:` URI where the environment has no `store`. Refuses URIs that
name no file: a bucket, container or host without a path, a fragment, a query where no web server is
asked, `..` in a path.

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
from modelctl.repo import layout, mirrors
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
            elif places := list(_without_a_store(files, key, uri)):
                message = f"found a file of the store, which {places[0]} does not have"
                remedy = (
                    f"give {places[0]} a `store` in {layout.ENVIRONMENTS}, such as s3://models/"
                )
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
    if scheme == "store":
        return ""  # its schema holds it to a digest
    if scheme == "file":
        return "no path" if rest.strip("/.") == "" or rest.endswith("/") else ""
    if not authority or not path.strip("/") or path.endswith("/"):
        return "no path to an object"
    return ""


def _without_a_store(files: ModelFiles, release: str, uri: str) -> Iterator[str]:
    """The environments of Argo CD that would read it from the laptop's store."""
    for environment, place in _places(files, release, uri):
        if place.startswith(mirrors.STORE):
            yield environment


def _unreadable(files: ModelFiles, release: str, uri: str) -> Iterator[str]:
    """The environments of Argo CD that would read it from a file."""
    for environment, place in _places(files, release, uri):
        if place.startswith("file:"):
            yield environment


def _places(files: ModelFiles, release: str, uri: str) -> Iterator[tuple[str, str]]:
    """By environment of Argo CD that the release is deployed in, where pods read the URI from."""
    for environment, serving in files.served:
        if environment.engine == "argocd" and release in serving.deployed:
            yield environment.name, mirrors.mirrored(uri, mirrors.table(environment))
