"""A replica fits into a machine that exists.

## What it does
Refuses more than 512 cores of cpu or 12Ti of memory for one replica. What the nodes of an
environment have is a matter of `gpu-fits-inventory` and `memory-within-limits`.

## Why
A unit too much, `Gi` for `Mi` or cores for thousandths, is a number like any other. The pod stays
Pending for ever, and the change looks merged.

## Bad
```yaml
resources: {cpu: "2000", memory: 4Gi}
```

## Good
```yaml
resources: {cpu: 2000m, memory: 4Gi}
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.quantities import amount
from modelctl.repo.repository import ModelFiles

ID = "resources-plausible"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL

_MOST = {"cpu": "512", "memory": "12288Gi"}  # of the largest machines that clouds offer, rounded up


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each amount that no machine has."""
    for key, release in files.releases.items():
        for name, most in _MOST.items():
            found: str = getattr(release.resources, name)
            if amount(found) > amount(most):
                message = f"found {found}, expected at most {most} of {name}: no node has more"
                remedy = "look at the unit: 2000m of cpu is 2 cores, 4096Mi of memory is 4Gi"
                at = ("resources", name)
                yield in_release(files, key, *at, message=message, remedy=remedy)
