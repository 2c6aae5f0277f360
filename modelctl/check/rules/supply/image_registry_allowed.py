"""The server image of a release comes from a registry that the environment allows.

## What it does
Holds the `image` of every release of a model to the `registries` of each environment that serves
it, deployed or not: git can return to each. An environment without them allows every registry.

## Why
The admission policy of the environment refuses the pod: the Deployment is applied and shows no
replica, and the reason stands in an event of its ReplicaSet, where nobody looks.

## Bad
```yaml
# argocd/environments.yaml: registries: [registry.example.com]
image: docker.io/someone/modelserver@sha256:9f86d081884c7d65…
```

## Good
```yaml
# argocd/environments.yaml: registries: [registry.example.com]
image: registry.example.com/modelserver@sha256:9f86d081884c7d65…
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.kinds import Environment, Release
from modelctl.repo.repository import ModelFiles
from modelctl.repo.scalars import short

ID = "image-registry-allowed"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each release whose image an environment would refuse."""
    for environment, _ in files.served:
        for release in files.releases.values():
            if release.image and not _is_allowed(release, environment):
                yield _foreign(files, release, environment)


def _is_allowed(release: Release, environment: Environment) -> bool:
    registries = environment.registries
    return not registries or release.image.startswith(tuple(f"{each}/" for each in registries))


def _foreign(files: ModelFiles, release: Release, environment: Environment) -> Violation:
    path = layout.release_file(files.folder, release.id)
    allowed = ", ".join(environment.registries)
    message = (
        f"found the image {short(release.image)}, expected one of the registries of "
        f"{environment.name}: {allowed}"
    )
    remedy = f"copy the image there, or add its registry to `registries` in {layout.ENVIRONMENTS}"
    return Violation(path, files.documents[path].at("image"), message, remedy)
