"""Nothing that differs from git, or is sick, is left out of what Argo CD shows.

## What it does
Refuses in the files that people write for Argo CD: `ignoreDifferences`, the option
`RespectIgnoreDifferences`, the annotations `compare-options`, `skip-reconcile` and
`ignore-healthcheck`, and the customizations of `argocd-cm` that do the same for a kind.

## Why
A field that is ignored hides that it was never applied; with `RespectIgnoreDifferences` one entry
of a list freezes the whole list, and a change of a route is dropped without a word. Compared by the
server, an object that is refused showed as Synced at a commit that it never had.

## Bad
```yaml
spec:
  ignoreDifferences: [{group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}]
```

## Good
```yaml
spec:
  syncPolicy: {syncOptions: [ServerSideApply=true]}
```
"""

from collections.abc import Iterator, Mapping

from modelctl.check.sync_options import options
from modelctl.check.written import Written, applications, everything, written
from modelctl.finding import Level, Scope, Violation
from modelctl.render.loose import value
from modelctl.repo.repository import Files

ID = "nothing-ignored"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_ANNOTATIONS: Mapping[str, str] = {
    "argocd.argoproj.io/compare-options": "what is left out of a comparison shows as Synced",
    "argocd.argoproj.io/ignore-healthcheck": "what is sick shows as Healthy",
    "argocd.argoproj.io/skip-reconcile": "no commit is applied while it stands there",
}
_CUSTOMIZED = "resource.customizations.ignoreDifferences."


def check(files: Files) -> Iterator[Violation]:
    """One finding for each thing that is left out."""
    for each in applications(files):
        if value(each.value, "spec", "ignoreDifferences"):
            message = "found ignoreDifferences, expected every field to be compared"
            remedy = "remove it: server-side apply leaves fields that others set alone"
            at = ("spec", "ignoreDifferences")
            yield each.violation_at_key(*at, message=message, remedy=remedy)
    for each in written(files):
        yield from _annotations(each)
        for option in options(each):
            if option.folded == "respectignoredifferences=true":
                message = f"found {option.text}, expected what git says to be applied"
                remedy = "remove it: one field in a list freezes the whole list"
                yield each.violation(*option.at, message=message, remedy=remedy)
        data = value(each.value, "data")
        for key in data if isinstance(data, Mapping) else ():
            if key.startswith(_CUSTOMIZED):
                message = f"found {key}, expected every field to be compared"
                remedy = "remove it: what was never applied would show as Synced"
                yield each.violation_at_key("data", key, message=message, remedy=remedy)


def _annotations(each: Written) -> Iterator[Violation]:
    for at, _ in everything(each.value):
        reason = _ANNOTATIONS.get(str(at[-1])) if at else None
        if reason:
            message = f"found {at[-1]}, expected nothing to be left out"
            yield each.violation_at_key(*at, message=message, remedy=f"remove it: {reason}")
