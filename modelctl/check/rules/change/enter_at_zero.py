"""A release enters at weight 0 and gets traffic in a later change.

## What it does
Refuses a weight above 0 for a release that does not run in the environment yet, by the objects that
were rendered before the change; a shadow runs. A model that was not served there at all is exempt:
its first release takes 100. So is a release that had traffic there before: that is a way back, and
`capacity-for-weight` tells what it costs to go it cold.

## Why
The route names the release at once, its servers are ready a minute later: until then its share of
the requests is answered with errors.

## Bad
```yaml
# before: weights: {r1: 100}
weights: {r1: 95, r2: 5}
```

## Good
```yaml
# before: weights: {r1: 100}; after: weights: {r1: 95, r2: 5}, in a change of its own
weights: {r1: 100, r2: 0}
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout

ID = "enter-at-zero"
LEVEL = Level.ERROR
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One finding for each release that would get traffic before it has a server."""
    for environment, serving in change.after.servings.items():
        was = change.applied_before.get(environment)
        if was is None or not was.releases:
            continue
        for release, weight in serving.weights.items():
            if weight <= 0 or release in was.releases:
                continue
            if not change.most_traffic(environment, release):
                yield _violation(change, environment, release, weight)


def _violation(change: ModelChange, environment: str, release: str, weight: int) -> Violation:
    path = layout.serving_file(change.folder, environment)
    position = change.after.documents[path].at("weights", release)
    message = f"found {release} at {weight} %, expected 0 while nothing of it runs in {environment}"
    command = f"modelctl shift {change.folder} --env {environment} {release}=0"
    remedy = f"write {release}: 0, as `{command}` does, and give it traffic once it is ready"
    return Violation(path, position, message, remedy)
