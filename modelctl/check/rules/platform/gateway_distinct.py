"""A Gateway has names and a namespace that nothing else has.

## What it does
Compares, in each environment with `engine: argocd`, the host name of the Gateway with those of Argo
CD and of the dashboards; the Gateway for callers in the cluster with the one for those outside; and
the Gateway's namespace, and the one of Prometheus, with the namespaces of teams, of Argo CD and of
Kubernetes itself.

## Why
Of two things behind one name one is never reached. Two Gateways of one name are one object, which
each rendering overwrites. In a team's namespace the Gateway counts against the team's quota and
its policies, and whoever may restart its models may restart the way to everybody's.

## Bad
```yaml
gateway: {name: models, namespace: models-vision, listener: https, hostname: argocd.acme.io}
argocd: {url: "https://argocd.acme.io"}
```

## Good
```yaml
gateway: {name: models, namespace: gateway, listener: https, hostname: models.acme.io}
argocd: {url: "https://argocd.acme.io"}
```
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from modelctl.check.placed import in_environments
from modelctl.finding import Level, Scope, Violation
from modelctl.render.argocd.metadata import NAMESPACE
from modelctl.repo.kinds import ArgoCd, Environment
from modelctl.repo.repository import Files, Repository

ID = "gateway-distinct"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_RESERVED = frozenset({NAMESPACE, "default", "kube-node-lease", "kube-public", "kube-system"})


def check(files: Files) -> Iterator[Violation]:
    """One finding for each name and each namespace that something else has."""
    if not isinstance(files, Repository):
        return
    taken = {team.namespace: f"the team {team.name}" for team in files.teams.ordered}
    taken |= {name: "Argo CD" if name == NAMESPACE else "Kubernetes" for name in _RESERVED}
    for index, environment in enumerate(files.environments.ordered):
        for at, message, remedy in _told(environment, taken) if _is_synced(environment) else ():
            place = ("environments", index, *at)
            yield in_environments(files, *place, message=message, remedy=remedy)


_Told = tuple[tuple[str | int, ...], str, str]  # place, message, remedy


def _is_synced(environment: Environment) -> bool:
    return environment.engine == "argocd"


def _told(environment: Environment, taken: dict[str, str]) -> Iterator[_Told]:
    yield from _hosts(environment)
    yield from _inside(environment)
    yield from _namespaces(environment, taken)


def _hosts(environment: Environment) -> Iterator[_Told]:
    settings = environment.argocd or ArgoCd()
    for field, url in (("url", settings.url), ("dashboards_url", settings.dashboards_url)):
        if url and urlsplit(url).hostname == environment.gateway.hostname:
            message = f"found {environment.gateway.hostname}, which the Gateway of models has"
            yield ("argocd", field), message, "give each a host name of its own"


def _inside(environment: Environment) -> Iterator[_Told]:
    outside, inside = environment.gateway, environment.gateway.cluster
    if inside is None:
        return
    if inside.name == outside.name:
        message = f"found {inside.name}, which the Gateway for callers outside has"
        yield ("gateway", "cluster", "name"), message, f"write {outside.name}-cluster"
    if inside.hostname == outside.hostname:
        message = f"found {inside.hostname}, which the Gateway for callers outside has"
        remedy = f"write {inside.name}.{outside.namespace}.svc.cluster.local"
        yield ("gateway", "cluster", "hostname"), message, remedy


def _namespaces(environment: Environment, taken: dict[str, str]) -> Iterator[_Told]:
    gateway, monitoring = environment.gateway, environment.network.monitoring_namespace
    used = {("gateway", "namespace"): gateway.namespace}
    if gateway.proxies_namespace:
        used["gateway", "proxies_namespace"] = gateway.proxies_namespace
    used["network", "monitoring_namespace"] = monitoring
    for at, name in used.items():
        if name in taken:
            message = f"found {name}, which is the namespace of {taken[name]}"
            yield at, message, "write a namespace of its own"
