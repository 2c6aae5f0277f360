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

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles

ID = "exactly-one-stable"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each file whose stable release has no weight."""
    for environment, serving in files.servings.items():
        if serving.stable not in serving.weights:
            path = layout.serving_file(files.folder, environment)
            position = files.documents[path].at("stable")
            is_shadow = serving.shadow is not None and serving.shadow.release == serving.stable
            which = f"{serving.stable}, the shadow" if is_shadow else serving.stable
            message = (
                f"found {which}, expected a release with a weight: {', '.join(serving.weights)}"
            )
            remedy = "name the release that the others are measured against"
            yield Violation(path, position, message, remedy)
