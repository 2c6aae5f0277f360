"""The address of an environment stays what callers know.

## What it does
Refuses another `hostname`, or another Gateway or listener, of an environment of Argo CD that serves
models.

## Why
All routes of the environment change host or Gateway in one sync: whoever calls the old name gets
404 from that second on, for every model at once, and the new name may have no certificate yet.

## Bad
```yaml
# which said hostname: models.example.com before
gateway: {name: models, namespace: gateway, listener: https, hostname: ml.example.com}
```

## Good
```yaml
# an environment of its own with the new name, beside the old one, until nobody calls that any more
- name: prod-ml
  gateway: {name: models, namespace: gateway, listener: https, hostname: ml.example.com}
```
"""

from collections.abc import Iterator
from dataclasses import fields

from modelctl.check.change import FleetChange
from modelctl.check.placed import in_environments
from modelctl.finding import Level, Scope, Violation

ID = "gateway-kept"
LEVEL = Level.ERROR
SCOPE = Scope.FLEET

_ADDRESS = ("name", "namespace", "listener", "hostname")


def check(change: FleetChange) -> Iterator[Violation]:
    """One finding for each part of an address that is another under traffic."""
    if not change.is_of_environments:
        return
    for index, environment in enumerate(change.after.environments.ordered):
        before = change.before.environments.get(environment.name)
        if before is None or {before.engine, environment.engine} != {"argocd"}:
            continue
        served = change.served_before(environment.name)
        for field in fields(environment.gateway) if served else ():
            old, new = getattr(before.gateway, field.name), getattr(environment.gateway, field.name)
            if field.name in _ADDRESS and old != new:
                models = f"{len(served)} model" + "s" * (len(served) > 1)
                message = f"found {field.name} {new}, expected {old}, under which callers reach "
                message += models
                at = ("environments", index, "gateway", field.name)
                remedy = "put it back; serve the new address beside the old one, then move callers"
                yield in_environments(change.after, *at, message=message, remedy=remedy)
