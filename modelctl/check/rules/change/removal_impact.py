"""Taking a model out of an environment says whom it leaves without an answer.

## What it does
Warns where a serving file goes that had traffic, by the route that was rendered before. It does not
refuse it: no release can be drained first, since weights always add up to 100, and a model that
nobody needs has to go somehow.

## Why
`git rm -r apps/churn` looks like any other clean-up. On a machine that `modelctl up` serves, the
model stops at once. In a cluster Argo CD serves on, since the root Application never prunes, until
a person deletes the model's Application there; from then on its callers get 404.

## Bad
```
apps/churn/envs/prod.yaml removed, which said weights: {r1: 100}
```

## Good
```
apps/churn/envs/prod.yaml removed once nobody calls the model any more
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.finding import START, Level, Scope, Violation
from modelctl.repo import layout

ID = "removal-impact"
LEVEL = Level.WARNING
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One warning for each environment that the model leaves."""
    for name, was in change.applied_before.items():
        path = layout.serving_file(change.folder, name)
        serving = {release: weight for release, weight in was.weights.items() if weight}
        if serving and path in change.before.entries and path not in change.after.entries:
            shares = ", ".join(f"{release} at {weight} %" for release, weight in serving.items())
            message = f"found {change.folder} taken out of {name}, which serves {shares}"
            environment = change.before.environments.get(name)
            is_local = environment is not None and environment.engine == "local"
            when = "it ends at once" if is_local else _UNTIL_DELETED.format(folder=change.folder)
            yield Violation(path, START, message, f"be sure that nobody calls it: {when}")


_UNTIL_DELETED = "it ends when a person deletes the Application {folder} in Argo CD"
