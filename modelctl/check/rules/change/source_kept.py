"""Argo CD goes on reading the branch that it reads.

## What it does
Refuses another `repository.url` or `repository.revision` while some environment of Argo CD serves
models.

## Why
Every Application reads another place from the next sync on. Where that branch lacks a model, or the
cluster has no credentials for the new address, all of them stop being synced at once: the next
rollback is committed and not applied.

## Bad
```yaml
# which said revision: refs/heads/main before
repository: {url: "https://git.example.com/platform/models.git", revision: refs/heads/develop}
```

## Good
```yaml
repository: {url: "https://git.example.com/platform/models.git", revision: refs/heads/main}
```
"""

from collections.abc import Iterator

from modelctl.check.change import FleetChange
from modelctl.check.placed import in_environments
from modelctl.finding import Level, Scope, Violation

ID = "source-kept"
LEVEL = Level.ERROR
SCOPE = Scope.FLEET


def check(change: FleetChange) -> Iterator[Violation]:
    """One finding for each part of the address that is another."""
    if not change.is_of_environments:
        return
    by_argo_cd = [e.name for e in change.before.environments.ordered if e.engine == "argocd"]
    served = [name for name in by_argo_cd if change.served_before(name)]
    before, after = change.before.environments.source, change.after.environments.source
    for field in ("url", "revision") if served else ():
        old, new = getattr(before, field), getattr(after, field)
        if old != new:
            message = f"found {new}, expected {old}, which Argo CD reads for {', '.join(served)}"
            remedy = "put it back; move by a second Argo CD, or by a waiver once both hold the same"
            at = ("repository", field)
            yield in_environments(change.after, *at, message=message, remedy=remedy)
