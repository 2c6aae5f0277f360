"""Every release that an environment serves exists, and its files do where it reads them.

## What it does
Looks for `releases/r<N>.yaml` of each release under `weights` and `shadow`. Where the environment
reads a release's model or golden file from this repository, looks for that file too.

## Why
A release without a file cannot be rendered; a server without its model never becomes ready. Both
would be found out only after the merge.

## Bad
```yaml
# apps/churn/envs/prod.yaml, without apps/churn/releases/r12.yaml
weights: {r1: 95, r12: 5}
```

## Good
```yaml
# apps/churn/envs/prod.yaml, with apps/churn/releases/r2.yaml
weights: {r1: 95, r2: 5}
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout, mirrors
from modelctl.repo.kinds import Environment, Release, Serving
from modelctl.repo.repository import ModelFiles

ID = "release-exists"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each release or artifact that is served and missing."""
    for environment, serving in files.servings.items():
        where = files.environments.get(environment)
        for release_id in serving.deployed:
            release = files.releases.get(release_id)
            if layout.release_file(files.folder, release_id) not in files.entries:
                yield _no_release(files, serving, release_id)
            elif release is not None and where is not None:
                yield from _no_artifacts(files, where, release)


def _no_release(files: ModelFiles, serving: Serving, release: str) -> Violation:
    path = layout.serving_file(serving.folder, serving.environment)
    document = files.documents[path]
    weighted = release in serving.weights
    position = document.at_key("weights", release) if weighted else document.at("shadow", "release")
    known = ", ".join(_known(files))
    expected = f"one of {known}" if known else "a release that has one"
    wanted = layout.release_file(serving.folder, release)
    message = f"found {release}, which has no file, expected {expected}"
    return Violation(path, position, message, f"name another, or add {wanted}")


def _known(files: ModelFiles) -> list[str]:
    places = map(layout.place, files.entries)
    found = (place.release for place in places if place.kind is layout.Kind.RELEASE)
    return sorted(found, key=layout.release_number)


def _no_artifacts(
    files: ModelFiles, environment: Environment, release: Release
) -> Iterator[Violation]:
    uris = {"artifact": release.artifact.uri}
    if release.golden:
        uris["golden"] = release.golden.uri
    for part, uri in uris.items():
        wanted = mirrors.read_path(uri, mirrors.table(environment))
        if wanted is not None and wanted not in files.artifacts:
            path = layout.release_file(release.folder, release.id)
            position = files.documents[path].at(part, "uri")
            message = f"found no file {wanted}, expected the one that {environment.name} serves"
            yield Violation(path, position, message, "commit it, or correct the URI")
