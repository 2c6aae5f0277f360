"""Nothing in a sync waits for health, for a hook or for a person.

## What it does
Refuses, anywhere in the files that people write for Argo CD, sync waves and hooks (Argo CD's and
Helm's annotations), and the sync options `PruneLast`, `Prune=confirm` and `Delete=confirm`.

## Why
With a wave, a hook or `PruneLast` an operation has steps, and each waits until all that it applied
is healthy. While it waits, no newer commit is applied: a revert took 368 s behind a release that
crashed, and 0.4 s without. `confirm` holds everything until somebody clicks.

## Bad
```yaml
metadata:
  annotations: {argocd.argoproj.io/sync-wave: "5"}
```

## Good
```yaml
metadata:
  annotations: {}
```
"""

from collections.abc import Iterator

from modelctl.check.sync_options import options
from modelctl.check.written import everything, written
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import Files

ID = "sync-never-waits"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_STEPS = frozenset(
    {
        "argocd.argoproj.io/sync-wave",
        "argocd.argoproj.io/hook",
        "argocd.argoproj.io/hook-delete-policy",
        "helm.sh/hook",
        "helm.sh/hook-delete-policy",
        "helm.sh/hook-weight",
    }
)
WAITING = {
    "prunelast=true": "a sync that prunes waits until all that it applied is healthy",
    "prune=confirm": "the sync waits until a person confirms",
    "delete=confirm": "the deletion waits until a person confirms",
}


def check(files: Files) -> Iterator[Violation]:
    """One finding for each annotation and each option that makes a sync wait."""
    for each in written(files):
        for at, _ in everything(each.value):
            if at and at[-1] in _STEPS:
                message = f"found {at[-1]}, expected a sync of one step"
                remedy = "remove it: a revert waits behind steps for the health of what is sick"
                yield each.violation_at_key(*at, message=message, remedy=remedy)
        for option in options(each):
            if reason := WAITING.get(option.folded):
                message = f"found {option.text}, expected no option that waits"
                yield each.violation(*option.at, message=message, remedy=f"remove it: {reason}")
