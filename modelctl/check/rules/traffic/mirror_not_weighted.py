"""A shadow release has no weight.

## What it does
Refuses a release that is under `weights` and under `shadow` in one environment.

## Why
It would get users' requests and copies of them: its metrics mix both, and its replicas carry load
that nobody planned.

## Bad
```yaml
weights: {r1: 95, r2: 5}
shadow: {release: r2, percent: 10}
```

## Good
```yaml
weights: {r1: 100}
shadow: {release: r2, percent: 10}
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles

ID = "mirror-not-weighted"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each shadow that is weighted too."""
    for environment, serving in files.servings.items():
        shadow = serving.shadow
        if shadow is not None and shadow.release in serving.weights:
            path = layout.serving_file(files.folder, environment)
            document = files.documents[path]
            line = document.at_key("weights", shadow.release).line
            message = (
                f"found {shadow.release}, which has a weight on line {line}, "
                "expected a release without one"
            )
            remedy = "remove its weight, or remove shadow"
            position = document.at("shadow", "release")
            yield Violation(path, position, message, remedy)
