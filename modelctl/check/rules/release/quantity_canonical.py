"""An amount is written as Kubernetes writes it.

## What it does
Warns of a cpu or memory that Kubernetes stores in other words: `1000m` is `1`, `0.5` is `500m`,
`1024Mi` is `1Gi`.

## Why
The API server keeps its own spelling. What is compared with git then differs in text and not in
meaning, and people who search for `500m` do not find `0.5`.

## Bad
```yaml
resources: {cpu: "0.5", memory: 1024Mi}
```

## Good
```yaml
resources: {cpu: 500m, memory: 1Gi}
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.quantities import MIB, amount
from modelctl.repo.repository import ModelFiles

ID = "quantity-canonical"
LEVEL = Level.WARNING
SCOPE = Scope.MODEL

_MILLI = 1000
_GIB_IN_MIB = 1024


def check(files: ModelFiles) -> Iterator[Violation]:
    """One warning for each amount in other words."""
    for key, release in files.releases.items():
        resources = release.resources
        wanted = {"cpu": _cpu(resources.cpu), "memory": _memory(resources.memory)}
        for name, expected in wanted.items():
            found = getattr(resources, name)
            if found != expected:
                message = f"found {found}, expected {expected}, which is the same amount"
                at = ("resources", name)
                remedy = f"write {expected} in the next release"
                yield in_release(files, key, *at, message=message, remedy=remedy)


def _cpu(quantity: str) -> str:
    milli = amount(quantity) * _MILLI
    return f"{int(milli) // _MILLI}" if milli % _MILLI == 0 else f"{int(milli)}m"


def _memory(quantity: str) -> str:
    mib = int(amount(quantity)) // MIB
    return f"{mib // _GIB_IN_MIB}Gi" if mib % _GIB_IN_MIB == 0 else f"{mib}Mi"
