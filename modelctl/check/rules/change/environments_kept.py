"""An environment keeps its name, its engine and its place while models are served there.

## What it does
Refuses that a change removes or renames an environment that served models, gives it another engine,
or another place in the order of promotion.

## Why
Files of a name that is gone are rendered for nobody: the root Application never prunes, so what
runs there runs on, without an owner in git. With another engine one machine starts what a cluster
still serves. With another order releases reach callers before the environment that was to catch
them.

## Bad
```yaml
# before: local, staging, prod
environments:
  - name: local
  - name: production
  - name: staging
```

## Good
```yaml
# a new environment, added where it belongs; the old one goes once no model is served there
environments:
  - name: local
  - name: staging
  - name: prod
  - name: production
```
"""

from collections.abc import Iterator

from modelctl.check.change import FleetChange
from modelctl.check.placed import in_environments
from modelctl.finding import Level, Scope, Violation

ID = "environments-kept"
LEVEL = Level.ERROR
SCOPE = Scope.FLEET


def check(change: FleetChange) -> Iterator[Violation]:
    """One finding for each environment that is gone, moved or run by something else."""
    if not change.is_of_environments:
        return
    before = {each.name: each for each in change.before.environments.ordered}
    after = {each.name: each for each in change.after.environments.ordered}
    for name in before.keys() - after.keys():
        served = change.served_before(name)
        if served:
            models = f"{len(served)} model" + "s" * (len(served) > 1)
            message = f"found no {name} any more, which serves {models}: {', '.join(served[:3])}"
            remedy = f"put it back, and remove it once no model has envs/{name}.yaml"
            yield in_environments(change.after, "environments", message=message, remedy=remedy)
    yield from _moved([*before], [*after], change)
    for index, (name, environment) in enumerate(after.items()):
        was = before.get(name)
        if was and was.engine != environment.engine and change.served_before(name):
            message = f"found engine {environment.engine}, expected {was.engine}, which serves"
            remedy = "add an environment of its own for the other engine, and move models there"
            at = ("environments", index, "engine")
            yield in_environments(change.after, *at, message=message, remedy=remedy)


def _moved(before: list[str], after: list[str], change: FleetChange) -> Iterator[Violation]:
    kept = [name for name in before if name in after]
    now = [name for name in after if name in kept]
    for name, expected in zip(now, kept, strict=True):
        if name != expected:
            if change.served_before(name) or change.served_before(expected):
                message = f"found {name}, expected {expected} in the order of promotion, "
                message += f"which was {', '.join(kept)}"
                at = ("environments", after.index(name), "name")
                remedy = "keep the order; a new environment goes where it belongs"
                yield in_environments(change.after, *at, message=message, remedy=remedy)
            return
