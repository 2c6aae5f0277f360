"""Applications and projects that people write have the fields that Argo CD knows, of its types.

## What it does
Compares the fields of each Application and AppProject in `argocd/config/` and `argocd/platform/`
with those of Argo CD, down to sources, destinations and the policy of syncs; and whether a switch
is true or false, a number a number, a text quoted. An `operation` in a file is refused.

## Why
The API server refuses a field that it does not know, and with it the sync of everything that
`root` brings. Where it drops the field instead, a self-heal that was reviewed is off.

## Bad
```yaml
automated: {enabled: "true", selfheal: true}
```

## Good
```yaml
automated: {enabled: true, selfHeal: true}
```
"""

from collections.abc import Iterator, Mapping
from typing import Any

from modelctl.check.written import Written, written
from modelctl.finding import Level, Pointer, Scope, Violation
from modelctl.nearest import hint
from modelctl.repo.repository import Files
from modelctl.repo.scalars import short

ID = "application-fields-known"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_ANY, _LIST = object, list
_BACKOFF = {"duration": str, "factor": int, "maxDuration": str}
_SOURCE: dict[str, Any] = {
    "repoURL": str,
    "path": str,
    "chart": str,
    "targetRevision": str,
    "ref": str,
    "name": str,
    "kustomize": _ANY,
    "plugin": _ANY,
    "directory": {"recurse": bool, "include": str, "exclude": str, "jsonnet": _ANY},
    "helm": {
        "apiVersions": _LIST,
        "fileParameters": _LIST,
        "ignoreMissingValueFiles": bool,
        "kubeVersion": str,
        "namespace": str,
        "parameters": _LIST,
        "passCredentials": bool,
        "releaseName": str,
        "skipCrds": bool,
        "skipSchemaValidation": bool,
        "skipTests": bool,
        "valueFiles": _LIST,
        "values": str,
        "valuesObject": dict,
        "version": str,
    },
}
_POLICY = {
    "automated": {"enabled": bool, "prune": bool, "selfHeal": bool, "allowEmpty": bool},
    "managedNamespaceMetadata": {"labels": dict, "annotations": dict},
    "retry": {"limit": int, "refresh": bool, "backoff": _BACKOFF},
    "syncOptions": _LIST,
}
_DESTINATION = {"server": str, "name": str, "namespace": str}
_KIND = {"group": str, "kind": str, "name": str}
_PROJECT: dict[str, Any] = {
    "clusterResourceBlacklist": [_KIND],
    "clusterResourceWhitelist": [_KIND],
    "description": str,
    "destinationServiceAccounts": _LIST,
    "destinations": [_DESTINATION],
    "namespaceResourceBlacklist": [_KIND],
    "namespaceResourceWhitelist": [_KIND],
    "orphanedResources": {"warn": bool, "ignore": _LIST},
    "permitOnlyProjectScopedClusters": bool,
    "roles": [
        {"name": str, "description": str, "policies": list, "groups": list, "jwtTokens": list}
    ],
    "signatureKeys": _LIST,
    "sourceIntegrity": _ANY,
    "sourceNamespaces": _LIST,
    "sourceRepos": _LIST,
    "syncWindows": _LIST,
}
_APPLICATION: dict[str, Any] = {
    "destination": _DESTINATION,
    "ignoreDifferences": _LIST,
    "info": _LIST,
    "project": str,
    "revisionHistoryLimit": int,
    "source": _SOURCE,
    "sourceHydrator": _ANY,
    "sources": [_SOURCE],
    "syncPolicy": _POLICY,
}
_WORDS = {str: "text", bool: "true or false", int: "a whole number", list: "a list"}


def check(files: Files) -> Iterator[Violation]:
    """One finding for each field that is none, or has a value of another type."""
    for each in written(files):
        if not (each.is_application or each.is_project):
            continue
        spec = _APPLICATION if each.is_application else _PROJECT
        whole = {"apiVersion": _ANY, "kind": _ANY, "metadata": _ANY, "spec": spec, "status": _ANY}
        yield from _compared(each, each.value, whole, ())


def _compared(each: Written, found: object, wanted: Any, at: Pointer) -> Iterator[Violation]:  # noqa: ANN401 - a table of tables
    if wanted is _ANY:
        return
    if isinstance(wanted, dict):
        yield from _mapping(each, found, wanted, at)
    elif isinstance(wanted, list):
        if not isinstance(found, list):
            yield _of_another_type(each, found, "a list", at)
            return
        for index, item in enumerate(found):
            yield from _compared(each, item, wanted[0], (*at, index))
    elif not isinstance(found, wanted) or (wanted is int and isinstance(found, bool)):
        yield _of_another_type(each, found, _WORDS.get(wanted, "a mapping"), at)


def _mapping(
    each: Written, found: object, wanted: Mapping[str, Any], at: Pointer
) -> Iterator[Violation]:
    if not isinstance(found, Mapping):
        yield _of_another_type(each, found, "a mapping", at)
        return
    for key, item in found.items():
        if key in wanted:
            yield from _compared(each, item, wanted[key], (*at, key))
        else:
            message = f"found the field {short(key)}, expected one of Argo CD's {each.kind}"
            remedy = hint(key, wanted, otherwise="remove it") if at else "remove it"
            yield each.violation_at_key(*at, key, message=message, remedy=remedy)


def _of_another_type(each: Written, found: object, wanted: str, at: Pointer) -> Violation:
    shown = "a collection" if isinstance(found, Mapping | list) else short(str(found))
    message = f"found {'the text ' * isinstance(found, str)}{shown}, expected {wanted}"
    return each.violation(*at, message=message, remedy=f"write {wanted}")
