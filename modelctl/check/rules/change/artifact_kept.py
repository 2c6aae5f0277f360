"""The files of a release stay as long as the release does.

## What it does
Refuses that a change deletes a model file or golden file of this repository that a release still
names, after the mirrors of some environment. Where the release is deployed there, `release-exists`
tells it.

## Why
A release at no weight is the way back. Without its file it cannot start, which shows in the minute
in which everybody needs it.

## Bad
```
artifacts/churn/r1.onnx removed, while apps/churn/releases/r1.yaml names it
```

## Good
```
artifacts/churn/r1.onnx removed together with apps/churn/releases/r1.yaml
```
"""

from collections.abc import Iterator

from modelctl.check.change import FleetChange
from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.repo import mirrors
from modelctl.repo.kinds import Release
from modelctl.repo.repository import ModelFiles

ID = "artifact-kept"
LEVEL = Level.ERROR
SCOPE = Scope.FLEET


def check(change: FleetChange) -> Iterator[Violation]:
    """One finding for each file that a release is left without."""
    gone = change.of.deleted
    for folder in change.after.folders if gone else ():
        files = change.after.model(folder)
        for key, release in files.releases.items():
            for part, uri in _uris(release):
                lost = sorted(gone.intersection(_read_from(files, key, uri)))
                if lost:
                    message = f"found no file {lost[0]} any more, expected it while {key} is there"
                    remedy = f"put it back, or delete {key} in the same change"
                    yield in_release(files, key, part, "uri", message=message, remedy=remedy)


def _uris(release: Release) -> Iterator[tuple[str, str]]:
    yield "artifact", release.artifact.uri
    if release.golden:
        yield "golden", release.golden.uri


def _read_from(files: ModelFiles, release: str, uri: str) -> Iterator[str]:
    """Where environments read a URI from that the release is not deployed in."""
    for environment in files.environments.ordered:
        serving = files.servings.get(environment.name)
        path = mirrors.read_path(uri, mirrors.table(environment))
        if path is not None and (serving is None or release not in serving.deployed):
            yield path
