"""A change moves traffic or replaces pods that serve it, not both.

## What it does
Refuses that the weights of an environment change together with what pods of a release start with
that had traffic there. New releases, and those without traffic, may come and go beside.

## Why
While pods restart, the weights move: if errors rise, nobody can tell which of the two did it, and
the revert restarts every pod once more when capacity is needed most.

## Bad
```yaml
# one change: other artifact_mirrors of prod in argocd/environments.yaml, and in envs/prod.yaml
weights: {r1: 50, r2: 50}
```

## Good
```yaml
# apps/churn/envs/prod.yaml, once the pods of the change before are ready
weights: {r1: 50, r2: 50}
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.check.placed import in_serving
from modelctl.finding import Level, Scope, Violation
from modelctl.render import applied
from modelctl.repo.layout import place

ID = "no-mixed-change"
LEVEL = Level.ERROR
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One finding for each environment where both happen at once."""
    for name, serving in change.after.servings.items():
        was = change.applied_before.get(name)
        if was is None or not _moves(was.weights, serving.weights):
            continue
        restarted = [r for r in _restarted(change, name) if was.weights.get(r, 0)]
        if restarted:
            message = (
                f"found other weights in a change that restarts the pods of "
                f"{', '.join(restarted)}, expected one of the two"
            )
            remedy = "move traffic in a change of its own, once the new pods are ready"
            yield in_serving(change.after, name, "weights", message=message, remedy=remedy)


def _moves(before: object, after: object) -> bool:
    """Whether any release that runs gets another share; none is left out that had one."""
    shares = [
        {release: weight for release, weight in weights.items() if weight}
        for weights in (before, after)
        if isinstance(weights, dict)
    ]
    return len(shares) == 2 and bool(shares[0]) and shares[0] != shares[1]  # noqa: PLR2004


def _restarted(change: ModelChange, environment: str) -> list[str]:
    """The releases whose pods are replaced in an environment."""
    return [
        place(path).release
        for path, before in change.before.generated.items()
        if place(path).environment == environment
        and applied.is_deployment(path)
        and (after := change.after.generated.get(path)) is not None
        and before != after
        and applied.pods(before) != applied.pods(after)
    ]
