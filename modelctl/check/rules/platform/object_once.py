"""No two files of an environment have the same object.

## What it does
Compares group, kind, namespace and name of each object that people write for an environment with
all others there, and with what is rendered for it; and the folders that Applications written by
hand read with those that other Applications read. The same in `argocd/config/`.

## Why
Of two Applications that have one object, each applies its own and undoes the other's, for ever; of
two files of one Application Argo CD applies either. What a reviewer reads is not what is there.

## Bad
```yaml
# argocd/platform/prod/site/issuer.yaml, beside site/clusterissuer-models.yaml
kind: ClusterIssuer
metadata: {name: models}
```

## Good
```yaml
# argocd/platform/prod/site/issuer.yaml
kind: ClusterIssuer
metadata: {name: monitoring}
```
"""

from collections.abc import Iterator

from modelctl.check.written import ROOT, SETTINGS, SITE, Written, applications, written
from modelctl.finding import Level, Scope, Violation
from modelctl.render.argocd.metadata import NAMESPACE
from modelctl.render.loose import loaded, value
from modelctl.repo import layout
from modelctl.repo.repository import Files, Repository

ID = "object-once"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_Key = tuple[str, str, str, str, str]  # environment, group, kind, namespace, name


def check(files: Files) -> Iterator[Violation]:
    """One finding for each object and each folder that is there before."""
    if not isinstance(files, Repository):
        return
    seen: dict[_Key, str] = {}
    for each in written(files):
        if not each.kind or not each.name:
            continue
        there = seen.setdefault(_key(files, each), each.path)
        if there == each.path:
            there = _rendered(files, each) or there
        if there != each.path:
            message = f"found {each.kind} {each.name}, expected it in {there} alone"
            yield each.violation("metadata", "name", message=message, remedy="rename or remove it")
    yield from _folders(files)


def _key(files: Repository, each: Written) -> _Key:
    return each.environment, each.group, each.kind, _namespace(files, each), each.name


def _namespace(files: Repository, each: Written) -> str:
    """The namespace that it is applied to, whether it names one or not."""
    if each.namespace or each.reader not in (ROOT, SETTINGS, SITE):
        return each.namespace
    environment = files.environments.get(each.environment)
    return environment.gateway.namespace if each.reader == SITE and environment else NAMESPACE


def _rendered(files: Repository, each: Written) -> str:
    """The rendered file that has the same object; empty for none."""
    for path in _candidates(files, each):
        content = files.generated.get(path)
        found = loaded(content) if content is not None else None
        namespace = value(found, "metadata", "namespace") or _namespace(files, each)
        same = value(found, "metadata", "name") == each.name
        if found is not None and same and namespace == _namespace(files, each):
            return path
    return ""


def _candidates(files: Repository, each: Written) -> Iterator[str]:
    known = [environment.name for environment in files.environments.ordered]
    for environment in [each.environment] if each.environment else known:
        if each.is_project:
            yield layout.project_file(environment, each.name)
            yield layout.settings_file(environment, each.kind, each.name)
    if not each.environment:
        return  # what is rendered for Argo CD itself is laid over it, not beside it
    yield layout.settings_file(each.environment, each.kind, each.name)
    for folder in sorted(layout.PLATFORM_FOLDERS):
        yield layout.platform_file(each.environment, folder, each.kind, each.name)
    if each.is_application:
        folder = each.name.removeprefix(layout.platform_application(""))
        yield layout.platform_application_file(each.environment, folder)
        yield layout.bootstrap_file(each.environment)


def _folders(files: Repository) -> Iterator[Violation]:
    """What two Applications of an environment read."""
    seen: dict[tuple[str, str], str] = {}
    for each in applications(files):
        for at, source in each.sources():
            path = str(source.get("path", "")).strip("/")
            if not path or "chart" in source or "ref" in source:
                continue
            there = seen.setdefault((each.environment, path), each.path)
            there = _reader(each.environment, path) or there
            if there != each.path:
                message = f"found the folder {path}, expected it in {there} alone"
                remedy = "name a folder that no other Application reads"
                yield each.violation(*at, "path", message=message, remedy=remedy)


def _reader(environment: str, path: str) -> str:
    """The rendered Application that reads a folder."""
    for folder in (*sorted(layout.PLATFORM_FOLDERS), layout.SITE):
        if path == layout.platform_folder(environment, folder):
            return layout.platform_application_file(environment, folder)
    parts = path.split("/")
    if parts[0] == layout.APPS and parts[-1] == environment:
        return layout.application_file(environment, parts[1])
    is_of_root = path in (f"{layout.PLATFORM}/{environment}", layout.PLATFORM, layout.ARGOCD)
    return layout.bootstrap_file(environment) if is_of_root else ""
