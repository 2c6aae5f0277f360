"""A model takes no more replicas than its environment allows.

## What it does
Refuses a `scale.max` above `limits.replicas` of the environment.

## Why
`scale.max` is what one model may take from all others on a bad day: a loop of retries scales it to
the end, and the pods of other models stay Pending.

## Bad
```yaml
# limits: {replicas: 20} in argocd/environments.yaml
scale: {min: 2, max: 200, metric: cpu, target: 70}
```

## Good
```yaml
# limits: {replicas: 20} in argocd/environments.yaml
scale: {min: 2, max: 20, metric: cpu, target: 70}
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_serving
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import ModelFiles

ID = "replicas-within-limits"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each environment that is asked for too many."""
    for environment, serving in files.served:
        most = environment.limits.replicas
        if most is not None and serving.scale.max > most:
            message = (
                f"found max {serving.scale.max}, expected at most {most} in {environment.name}"
            )
            remedy = f"write max: {most}, or ask the platform team for more"
            at = ("scale", "max")
            yield in_serving(files, environment.name, *at, message=message, remedy=remedy)
