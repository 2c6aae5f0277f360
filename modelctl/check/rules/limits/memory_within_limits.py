"""A replica asks for no more memory than its environment allows.

## What it does
Refuses a release that is deployed in an environment with more `resources.memory` than
`limits.memory` of it.

## Why
A pod larger than what any node has left stays Pending for ever, and with it the canary that a
change was about.

## Bad
```yaml
# limits: {memory: 32Gi} in argocd/environments.yaml
resources: {cpu: "4", memory: 64Gi}
```

## Good
```yaml
# limits: {memory: 32Gi} in argocd/environments.yaml
resources: {cpu: "4", memory: 32Gi}
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.quantities import amount
from modelctl.repo.repository import ModelFiles

ID = "memory-within-limits"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each release that is too large for some environment."""
    told = set()
    for environment, serving in files.served:
        most = environment.limits.memory
        for key in serving.deployed if most else ():
            release = files.releases.get(key)
            if release is None or key in told or most is None:
                continue
            if amount(release.resources.memory) > amount(most):
                told.add(key)
                message = f"found memory {release.resources.memory}, expected at most {most} in "
                message += environment.name
                remedy = "write less, or ask the platform team for larger nodes"
                at = ("resources", "memory")
                yield in_release(files, key, *at, message=message, remedy=remedy)
