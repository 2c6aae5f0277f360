"""The options of a sync are ones that Argo CD knows, and none that loses what serves.

## What it does
Reads `syncOptions` and the annotation `argocd.argoproj.io/sync-options` in the files that people
write for Argo CD: refuses options that Argo CD does not know, `Replace`, `Force`, `Validate=false`
and pruning in the foreground; and Applications without `ServerSideApply=true` or
`FailOnSharedResource=true`.

## Why
`Replace` and `Force` delete what cannot be changed, with all its pods. Pruned in the foreground, an
object stays in deletion while a revert is applied onto it: 42 s without a pod were measured. A
definition of more than 256 KiB is refused without `ServerSideApply`, and an option that is misspelt
is none.

## Bad
```yaml
syncOptions: [Replace=true, PrunePropagationPolicy=foreground]
```

## Good
```yaml
syncOptions: [FailOnSharedResource=true, ServerSideApply=true]
```
"""

from collections.abc import Iterator, Mapping

from modelctl.check.rules.platform.sync_never_waits import WAITING
from modelctl.check.sync_options import Option, options
from modelctl.check.written import ROOT, Written, written
from modelctl.finding import Level, Scope, Violation
from modelctl.nearest import hint
from modelctl.render.loose import value
from modelctl.repo.repository import Files

ID = "sync-options-safe"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

# Source: docs/user-guide/sync-options.md of Argo CD 3.5.
_KNOWN = (
    "ApplyOutOfSyncOnly",
    "ClientSideApplyMigration",
    "CreateNamespace",
    "Delete",
    "FailOnSharedResource",
    "Force",
    "Prune",
    "PruneLast",
    "PrunePropagationPolicy",
    "Replace",
    "RespectIgnoreDifferences",
    "ServerSideApply",
    "SkipDryRunOnMissingResource",
    "Validate",
)
_UNSAFE: Mapping[str, str] = {
    "force=true": "what cannot be changed is deleted with all its pods",
    "replace=true": "what cannot be changed is deleted, and fields that others set are lost",
    "prunepropagationpolicy=foreground": "a revert is applied onto what is still in deletion",
    "validate=false": "a field that is misspelt is dropped without a word",
    "serversideapply=false": "large definitions are refused without it",
    "failonsharedresource=false": "an object is taken from the Application that has it",
}
_WANTED: Mapping[str, str] = {
    "FailOnSharedResource=true": "without it an object is taken from the Application that has it",
    "ServerSideApply=true": "without it definitions of more than 256 KiB are refused",
}


def check(files: Files) -> Iterator[Violation]:
    """One finding for each option that is none or unsafe, and for those that are missing."""
    for each in written(files):
        found = list(options(each))
        told = set()
        for option in found:
            for violation in _judged(each, option) if option.at not in told else ():
                told.add(option.at)
                yield violation
        is_whole = isinstance(value(each.value, "spec", "syncPolicy"), Mapping)
        if each.is_application and each.reader == ROOT and is_whole:
            there = {option.name for option in found if option.at[:1] == ("spec",)}
            yield from _missing(each, there)


def _judged(each: Written, option: Option) -> Iterator[Violation]:
    if option.folded in WAITING:
        return
    if reason := _UNSAFE.get(option.folded):
        message = f"found {option.text}, expected no option that loses what serves"
        yield each.violation(*option.at, message=message, remedy=f"remove it: {reason}")
    elif option.text and (option.name not in _KNOWN or "=" not in option.text):
        message = f"found {option.text}, expected an option of Argo CD such as ServerSideApply=true"
        yield each.violation(*option.at, message=message, remedy=hint(option.name, _KNOWN))


def _missing(each: Written, there: set[str]) -> Iterator[Violation]:
    missing = {
        option: reason
        for option, reason in _WANTED.items()
        if option.partition("=")[0] not in there
    }
    if missing:
        message = f"found no {' and no '.join(missing)}, expected it in every Application"
        remedy = f"add it: {'; '.join(missing.values())}"
        at = ("spec", "syncPolicy", "syncOptions")
        yield each.violation(*at, message=message, remedy=remedy)
