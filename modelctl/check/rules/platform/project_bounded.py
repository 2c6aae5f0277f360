"""A project that people write allows what it needs, and nothing more.

## What it does
Refuses in an AppProject that people write: patterns for all repositories, clusters, namespaces or
kinds; another cluster than the one that Argo CD runs in; the kinds of Argo CD's own, by which an
Application makes others; windows of syncs; Applications of other namespaces; and anything at all in
the project `default`.

## Why
A project is what keeps a commit of one team out of the namespace of another. With `*` it keeps
nothing out. A window that denies syncs denies the rollback too, and what it held back is not
applied afterwards.

## Bad
```yaml
sourceRepos: ["*"]
destinations: [{server: "*", namespace: "*"}]
```

## Good
```yaml
sourceRepos: ["https://kedacore.github.io/charts"]
destinations: [{server: "https://kubernetes.default.svc", namespace: keda}]
```
"""

from collections.abc import Iterator, Mapping

from modelctl.check.written import GROUP, Written, written
from modelctl.finding import Level, Pointer, Scope, Violation
from modelctl.render.argocd.metadata import IN_CLUSTER
from modelctl.render.loose import value
from modelctl.repo.repository import Files

ID = "project-bounded"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_EVERYTHING = frozenset({"*", "**", "https://*", "http*", "*/*"})
_EMPTY = ("sourceRepos", "destinations", "clusterResourceWhitelist", "namespaceResourceWhitelist")
_HOLDS_BACK = "remove it: it holds back the rollback too; use `freezes` of an environment"


def check(files: Files) -> Iterator[Violation]:
    """One finding for each thing that a project allows beyond what it needs."""
    for each in written(files):
        spec = value(each.value, "spec")
        if not each.is_project or not isinstance(spec, Mapping):
            continue
        if each.name == "default":
            yield from _default(each, spec)
            continue
        yield from _patterns(each, spec)
        yield from _kinds(each, spec)
        for field, remedy in (
            ("syncWindows", _HOLDS_BACK),
            ("sourceNamespaces", "remove it: whoever may write there could make Applications"),
        ):
            if spec.get(field):
                message = f"found {field}, expected none"
                yield each.violation_at_key("spec", field, message=message, remedy=remedy)


def _default(each: Written, spec: Mapping[str, object]) -> Iterator[Violation]:
    for field in _EMPTY:
        if spec.get(field):
            message = f"found {field} of the project default, expected it to be empty"
            remedy = "write []: every Application that names no project is of it"
            yield each.violation("spec", field, message=message, remedy=remedy)


def _patterns(each: Written, spec: Mapping[str, object]) -> Iterator[Violation]:
    for index, url in enumerate(_listed(spec, "sourceRepos")):
        if _is_everything(url):
            at = ("spec", "sourceRepos", index)
            yield _unbounded(each, at, "every repository", "name the repositories")
    for index, entry in enumerate(_listed(spec, "destinations")):
        at = ("spec", "destinations", index)
        server, name = value(entry, "server"), value(entry, "name")
        if server not in (None, IN_CLUSTER) or (
            server is None and name not in (None, "in-cluster")
        ):
            key = "server" if server is not None else "name"
            yield _unbounded(each, (*at, key), "another cluster", f"write server: {IN_CLUSTER}")
        if _is_everything(value(entry, "namespace")):
            yield _unbounded(each, (*at, "namespace"), "every namespace", "name the namespaces")


def _kinds(each: Written, spec: Mapping[str, object]) -> Iterator[Violation]:
    for field in ("clusterResourceWhitelist", "namespaceResourceWhitelist"):
        for index, entry in enumerate(_listed(spec, field)):
            group, kind = value(entry, "group"), value(entry, "kind")
            if _is_everything(kind):
                at = ("spec", field, index, "kind")
                yield _unbounded(each, at, "every kind", "name the kinds that it applies")
            elif _is_everything(group) or group == GROUP:
                at = ("spec", field, index, "group")
                shown = "kinds of Argo CD's own" if group == GROUP else "every group"
                yield _unbounded(each, at, shown, "name the kinds that it applies")


def _is_everything(pattern: object) -> bool:
    return isinstance(pattern, str) and pattern in _EVERYTHING


def _listed(spec: Mapping[str, object], field: str) -> list[object]:
    found = spec.get(field)
    return found if isinstance(found, list) else []


def _unbounded(each: Written, at: Pointer, what: str, remedy: str) -> Violation:
    message = f"found a project that allows {what}, expected what it needs"
    return each.violation(*at, message=message, remedy=remedy)
