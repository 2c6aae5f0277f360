"""Environments of a cluster differ in what people and callers know them by.

## What it does
Warns where two environments with `engine: argocd` have the same host name of models or the same
address of Argo CD; where an environment with `engine: local` comes after one of a cluster; and
where `argocd` is said of an environment that Argo CD does not sync.

## Why
Whoever calls `models.acme.io` reaches one of the two, and nobody knows which. A release goes
through environments in their order: what is tried last on one machine holds back what serves.

## Bad
```yaml
- {name: staging, engine: argocd, gateway: {hostname: models.acme.io, …}, …}
- {name: prod, engine: argocd, gateway: {hostname: models.acme.io, …}, …}
```

## Good
```yaml
- {name: staging, engine: argocd, gateway: {hostname: models.staging.acme.io, …}, …}
- {name: prod, engine: argocd, gateway: {hostname: models.acme.io, …}, …}
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_environments
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.kinds import Environment
from modelctl.repo.repository import Files, Repository

ID = "environments-distinct"
LEVEL = Level.WARNING
SCOPE = Scope.FILES


def check(files: Files) -> Iterator[Violation]:
    """One finding for each thing that two environments have, or one has in vain."""
    if not isinstance(files, Repository):
        return
    seen: dict[tuple[tuple[str, ...], str], str] = {}
    cluster = ""
    for index, environment in enumerate(files.environments.ordered):
        if files.environments.get(environment.name) is not environment:
            continue  # it is there before: another rule's
        at = ("environments", index)
        if environment.engine == "local":
            if cluster:
                message = f"found a local environment after {cluster}, expected it before"
                remedy = "move it up: a release is tried there first"
                yield in_environments(files, *at, "name", message=message, remedy=remedy)
            if environment.argocd is not None:
                message = "found settings of Argo CD, which does not sync this environment"
                remedy = "remove them, or write engine: argocd"
                yield in_environments(files, *at, "argocd", message=message, remedy=remedy)
            continue
        cluster = cluster or environment.name
        for field, text in _known_by(environment):
            other = seen.setdefault((field, text), environment.name)
            if other != environment.name:
                message = f"found {text}, which {other} has too"
                remedy = "write the one of this environment"
                yield in_environments(files, *at, *field, message=message, remedy=remedy)


def _known_by(environment: Environment) -> Iterator[tuple[tuple[str, ...], str]]:
    yield ("gateway", "hostname"), environment.gateway.hostname
    if environment.argocd and environment.argocd.url:
        yield ("argocd", "url"), environment.argocd.url.rstrip("/")
