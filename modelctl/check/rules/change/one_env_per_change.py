"""A change gives a release more traffic in one environment of Argo CD at a time.

## What it does
Warns where one change raises weights of a model in two or more environments with `engine: argocd`.

## Why
What is wrong with a release shows where it serves. Raised everywhere at once, it is wrong
everywhere at once, and no environment is left to compare with.

## Bad
```yaml
# apps/churn/envs/staging.yaml and apps/churn/envs/prod.yaml, which both said {r1: 100, r2: 0}
weights: {r1: 50, r2: 50}
```

## Good
```yaml
# apps/churn/envs/staging.yaml; prod follows in a change of its own
weights: {r1: 50, r2: 50}
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.check.placed import in_serving
from modelctl.finding import Level, Scope, Violation

ID = "one-env-per-change"
LEVEL = Level.WARNING
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One warning for each environment beyond the first."""
    raised = [
        environment.name
        for environment, serving in change.after.served
        if environment.engine == "argocd"
        and (was := change.applied_before.get(environment.name)) is not None
        and any(weight > was.weights.get(r, 0) for r, weight in serving.weights.items())
        and any(was.weights.values())
    ]
    for name in raised[1:]:
        message = f"found more traffic in {name} in the change that gives more in {raised[0]}"
        message += ", expected one environment at a time"
        remedy = f"leave {name} as it is until {raised[0]} has shown what the release does"
        yield in_serving(change.after, name, "weights", message=message, remedy=remedy)
