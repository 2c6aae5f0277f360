"""The stable release is one of those that serve.

## What it does
Holds that `stable` names a release under `weights`.

## Why
Alerts and comparisons measure every other release against the stable one, and `modelctl promote`
and `retire` start from it. One that does not serve, or only gets copies as the shadow, measures
nothing.

## Bad
```yaml
stable: r1
weights: {r2: 100}
```

## Good
```yaml
stable: r2
weights: {r2: 100}
```
"""

from collections.abc import Iterator

from modelctl.finding import Finding, Level
from modelctl.repo import layout
from modelctl.repo.repository import Repository

ID = "exactly-one-stable"
LEVEL = Level.ERROR


def check(repository: Repository) -> Iterator[Finding]:
    """One finding for each file whose stable release has no weight."""
    for (folder, environment), serving in repository.servings.items():
        if serving.stable not in serving.weights:
            path = layout.serving_file(folder, environment)
            place = repository.documents[path].at("stable")
            is_shadow = serving.shadow is not None and serving.shadow.release == serving.stable
            which = f"{serving.stable}, the shadow" if is_shadow else serving.stable
            message = f"found {which}, expected one of {', '.join(serving.weights)}"
            remedy = "name the release that the others are measured against"
            yield Finding(path, place, ID, message, remedy, LEVEL)
