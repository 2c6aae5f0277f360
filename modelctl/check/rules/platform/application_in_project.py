"""An Application that people write is of a project that there is, and stays within it.

## What it does
Looks for the `project` of each Application in `argocd/platform/<environment>/` among those that
are rendered for the environment and those that people write there; refuses `default`, which is
empty, and `root`, whose Application is rendered. The destination names the cluster that Argo CD
runs in and a namespace, and is one that the project allows.

## Why
An Application whose project is not there, or does not allow its destination, is InvalidSpecError:
it syncs nothing, while root shows Synced. One in the project `root` may write every Application.

## Bad
```yaml
project: default
destination: {server: "https://prod.example.com:6443", namespace: keda}
```

## Good
```yaml
project: platform
destination: {server: "https://kubernetes.default.svc", namespace: keda}
```
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from modelctl.check.written import ROOT, Written, applications, synced, written
from modelctl.finding import Level, Scope, Violation
from modelctl.nearest import hint
from modelctl.render.argocd import project
from modelctl.render.argocd.metadata import IN_CLUSTER
from modelctl.render.loose import mappings, value
from modelctl.repo.kinds import Environment
from modelctl.repo.repository import Files, Repository
from modelctl.repo.scalars import short

ID = "application-in-project"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_NAME = "in-cluster"  # by which Argo CD knows the cluster that it runs in
_Destinations = Mapping[str, tuple[str, ...]]  # by project, patterns of namespaces


def check(files: Files) -> Iterator[Violation]:
    """One finding for each project and each destination that is none."""
    if not isinstance(files, Repository):
        return
    for each in applications(files):
        environment = synced(files, each.environment)
        if environment and each.reader == ROOT and isinstance(each.value.get("spec"), Mapping):
            allowed = _destinations(files, environment)
            yield from _project(each, allowed)
            yield from _destination(each, allowed)
        elif environment and each.reader == ROOT:
            message = "found no spec, expected project, source, destination and syncPolicy"
            yield each.violation(message=message, remedy="write them")


def _destinations(files: Repository, environment: Environment) -> _Destinations:
    found: dict[str, tuple[str, ...]] = {project.PLATFORM: ("*",)}
    for team in files.teams.ordered:
        if team.serves_in(environment):
            found[team.name] = (team.namespace,)
    for each in written(files):
        if each.is_project and each.environment in ("", environment.name):
            listed = mappings(each.value, "spec", "destinations")
            found.setdefault(each.name, tuple(str(item.get("namespace", "")) for item in listed))
    return found


def _project(each: Written, allowed: _Destinations) -> Iterator[Violation]:
    name = value(each.value, "spec", "project")
    known = sorted(allowed.keys() - {"default"})
    if name not in known and isinstance(name, str | None):
        found = f"found the project {short(str(name))}" if name else "found no project"
        message = f"{found}, expected one of {', '.join(known)}"
        remedy = hint(str(name or ""), known, otherwise=f"write project: {project.PLATFORM}")
        yield each.violation("spec", "project", message=message, remedy=remedy)


def _destination(each: Written, allowed: _Destinations) -> Iterator[Violation]:
    found = value(each.value, "spec", "destination")
    server, name = value(found, "server"), value(found, "name")
    if server not in (None, IN_CLUSTER) or name not in (None, _NAME):
        at = "server" if server not in (None, IN_CLUSTER) else "name"
        message = f"found another cluster, expected {IN_CLUSTER}, which this Argo CD runs in"
        remedy = f"write server: {IN_CLUSTER}; each environment has an Argo CD of its own"
        yield each.violation("spec", "destination", at, message=message, remedy=remedy)
    elif (server is None) == (name is None):
        message = "found no cluster or two names of it, expected server alone"
        remedy = f"write server: {IN_CLUSTER}"
        yield each.violation("spec", "destination", message=message, remedy=remedy)
    yield from _namespace(each, allowed)


def _namespace(each: Written, allowed: _Destinations) -> Iterator[Violation]:
    namespace = value(each.value, "spec", "destination", "namespace")
    of = str(value(each.value, "spec", "project"))
    if not namespace:
        message = "found no namespace, expected the one that objects without any go to"
        yield each.violation("spec", "destination", message=message, remedy="write namespace")
    elif of in allowed and not any(fnmatchcase(str(namespace), each) for each in allowed[of]):
        wanted = " or ".join(allowed[of]) or "none at all"
        message = f"found {short(str(namespace))}, expected {wanted}, as the project {of} allows"
        at = ("spec", "destination", "namespace")
        yield each.violation(*at, message=message, remedy="name that one, or another project")
