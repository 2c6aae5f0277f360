"""Addresses of an environment in a cluster are ones that its pods and people can reach.

## What it does
Refuses, in an environment with `engine: argocd`, addresses of the machine itself (`localhost`,
`*.localhost`, 127.0.0.1, ::1), a mirror that leads to a file of this repository or back to where it
begins, and a numeric address as the host name of a Gateway.

## Why
In a pod `localhost` is the pod. A release whose mirror leads there never starts, single sign-on
sends people to their own machine, and a Gateway takes names alone.

## Bad
```yaml
registries: ["localhost:5000"]
artifact_mirrors: {"s3://models/": "file:artifacts/"}
```

## Good
```yaml
registries: [registry.acme.io]
artifact_mirrors: {"s3://models/": "s3://models-eu/"}
```
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping

from modelctl.check.placed import in_environments
from modelctl.check.written import everything
from modelctl.finding import Level, Scope, Violation
from modelctl.render.loose import value
from modelctl.repo import layout
from modelctl.repo.kinds import Environment
from modelctl.repo.repository import Files, Repository
from modelctl.repo.scalars import short

ID = "addresses-reachable"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

# At the beginning of an address, or behind what stands before a host.
_LOCAL = re.compile(
    r"(?i)(?:^|://)(?:[-\w.]+\.)?(?:localhost|127(?:\.[0-9]{1,3}){3}|0\.0\.0\.0|\[?::1\]?)(?=[:/]|$)"
)
_UNTOUCHED = ("network", "description", "reason")  # what holds no address that anybody calls
_EXCEPT = ("NO_PROXY",)  # a list of what is not called by way of a proxy


def check(files: Files) -> Iterator[Violation]:
    """One finding for each address that leads nowhere."""
    if not isinstance(files, Repository) or not files.environments.ordered:
        return
    whole = files.documents[layout.ENVIRONMENTS].value
    listed = value(whole, "environments")
    for index, environment in enumerate(files.environments.ordered):
        if environment.engine == "argocd" and isinstance(listed, list):
            yield from _local(files, index, listed[index])
            yield from _mirrors(files, index, environment)
            yield from _numbers(files, index, environment)


def _local(files: Repository, index: int, entry: Mapping[str, object]) -> Iterator[Violation]:
    for at, text in everything(entry):
        is_address = isinstance(text, str) and at[0] not in _UNTOUCHED and at[-1] not in _EXCEPT
        if is_address and _LOCAL.search(str(text)):
            message = f"found {short(str(text))}, expected an address that the cluster reaches"
            remedy = "write the name that others call it by"
            yield _at(files, index, *at, message=message, remedy=remedy)


def _mirrors(files: Repository, index: int, environment: Environment) -> Iterator[Violation]:
    for prefix, target in environment.artifact_mirrors.items():
        at = ("artifact_mirrors", prefix)
        if target.startswith("file:"):
            message = f"found {short(target)}, which no pod in {environment.name} can read"
            remedy = "name a store; files of this repository are for engine: local"
            yield _at(files, index, *at, message=message, remedy=remedy)
        elif target.startswith(prefix):
            message = f"found {short(target)}, expected another place than {short(prefix)}"
            remedy = "remove it, or name where copies are"
            yield _at(files, index, *at, message=message, remedy=remedy)


def _numbers(files: Repository, index: int, environment: Environment) -> Iterator[Violation]:
    names = {("gateway", "hostname"): environment.gateway.hostname}
    if environment.gateway.cluster:
        names["gateway", "cluster", "hostname"] = environment.gateway.cluster.hostname  # type: ignore[index]  # of three parts
    for at, name in names.items():
        if _is_a_number(name) and not _LOCAL.search(name):
            message = f"found {name}, expected a name: a Gateway takes no numeric address"
            yield _at(files, index, *at, message=message, remedy="give it a name in DNS")


def _is_a_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _at(files: Repository, index: int, *at: str | int, message: str, remedy: str) -> Violation:
    return in_environments(files, "environments", index, *at, message=message, remedy=remedy)
