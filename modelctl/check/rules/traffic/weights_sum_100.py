"""Weights of a serving file add up to 100.

## What it does
Adds the weights in `apps/<model>/envs/<environment>.yaml`.

## Why
A route takes weights as shares of their sum: 90 and 20 mean 82 % and 18 %. What was reviewed is
then not what is served, and every dashboard that shows the numbers of git lies.

## Bad
```yaml
weights: {r1: 90, r2: 20}
```

## Good
```yaml
weights: {r1: 80, r2: 20}
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles

ID = "weights-sum-100"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL

_WHOLE_PERCENT = 100


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each file whose weights do not add up; no-all-zero tells of none at all."""
    for environment, serving in files.servings.items():
        total = sum(serving.weights.values())
        if total not in (0, _WHOLE_PERCENT):
            path = layout.serving_file(files.folder, environment)
            position = files.documents[path].at_key("weights")
            message = f"found weights that add up to {total}, expected {_WHOLE_PERCENT}"
            missing = _WHOLE_PERCENT - total
            remedy = f"add {missing} in all" if missing > 0 else f"take {-missing} away in all"
            yield Violation(path, position, message, remedy)
