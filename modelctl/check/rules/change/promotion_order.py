"""A release gets traffic in an environment only after it had some in the one before.

## What it does
Where Argo CD serves a model in several environments, refuses traffic for a release that never had
any in the nearest environment before, by its content and not by its number. A release that had
traffic in the environment itself is on its way back and exempt.

## Why
Environments are ordered so that bits which nobody has seen serve do not reach the callers who pay
for them. A skipped environment has tested nothing.

## Bad
```yaml
# apps/churn/envs/prod.yaml, while staging serves r1 alone
weights: {r1: 95, r2: 5}
```

## Good
```yaml
# apps/churn/envs/prod.yaml, after r2 had traffic in staging
weights: {r1: 95, r2: 5}
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.check.placed import in_serving
from modelctl.finding import Level, Scope, Violation

ID = "promotion-order"
LEVEL = Level.ERROR
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One finding for each release that skips an environment."""
    earlier = ""
    for environment, serving in change.after.served:
        if environment.engine != "argocd":
            continue
        name, previous = environment.name, earlier
        earlier = name
        was = change.applied_before.get(name)
        if not previous or previous not in change.applied_before:
            continue
        for release, weight in serving.weights.items():
            if was and was.releases and release not in was.releases:
                continue  # enter-at-zero tells it
            had = was.weights.get(release, 0) if was else 0
            if weight and not had and not _has_served(change, release, name, previous):
                message = (
                    f"found {release} at {weight} %, which never had traffic in {previous}, "
                    "the environment before"
                )
                remedy = f"write {release}: 0 here, and give it traffic in {previous} first"
                at = ("weights", release)
                yield in_serving(change.after, name, *at, message=message, remedy=remedy)


def _has_served(change: ModelChange, release: str, *environments: str) -> bool:
    """Whether the release, as it is now, had traffic in one of some environments."""
    for environment in environments:
        was = change.applied_before.get(environment)
        runs = was is not None and was.weights.get(release, 0) > 0
        if runs and change.before.releases.get(release) == change.after.releases.get(release):
            return True
        if change.most_traffic(environment, release):
            return True
    return False
