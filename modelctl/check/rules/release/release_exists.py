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

import re
from collections.abc import Iterator

from modelctl.finding import Finding, Level
from modelctl.repo import layout, mirrors
from modelctl.repo.kinds import Environment, Release, Serving
from modelctl.repo.repository import Repository

ID = "release-exists"
LEVEL = Level.ERROR


def check(repository: Repository) -> Iterator[Finding]:
    """One finding for each release or artifact that is served and missing."""
    for (folder, environment), serving in repository.servings.items():
        where = repository.environments.get(environment)
        for identity in serving.deployed:
            release = repository.releases.get((folder, identity))
            if layout.release_file(folder, identity) not in repository.entries:
                yield _no_release(repository, serving, identity)
            elif release is not None and where is not None:
                yield from _no_artifacts(repository, where, release)


def _no_release(repository: Repository, serving: Serving, release: str) -> Finding:
    path = layout.serving_file(serving.folder, serving.environment)
    document = repository.documents[path]
    weighted = release in serving.weights
    place = document.at_key("weights", release) if weighted else document.at("shadow", "release")
    known = ", ".join(_known(repository, serving.folder)) or "none yet"
    wanted = layout.release_file(serving.folder, release)
    message = f"found {release}, expected a release with a file, of which there is {known}"
    return Finding(path, place, ID, message, f"name another, or add {wanted}", LEVEL)


def _known(repository: Repository, folder: str) -> list[str]:
    file = re.compile(
        re.escape(layout.release_file(folder, "")).replace(r"\.yaml", r"(r\d+)\.yaml")
    )
    found = (match[1] for match in map(file.fullmatch, repository.entries) if match)
    return sorted(found, key=lambda release: int(release[1:]))


def _no_artifacts(
    repository: Repository, environment: Environment, release: Release
) -> Iterator[Finding]:
    uris = {"artifact": release.artifact.uri}
    if release.golden:
        uris["golden"] = release.golden.uri
    for part, uri in uris.items():
        wanted = mirrors.read_path(uri, environment.artifact_mirrors)
        if wanted is not None and wanted not in repository.artifacts:
            path = layout.release_file(release.folder, release.id)
            place = repository.documents[path].at(part, "uri")
            message = f"found no file {wanted}, expected the one that {environment.name} serves"
            yield Finding(path, place, ID, message, "commit it, or correct the URI", LEVEL)
