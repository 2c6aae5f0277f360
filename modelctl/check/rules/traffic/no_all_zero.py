"""Some release gets the traffic.

## What it does
Refuses a serving file in which every weight is 0.

## Why
A route whose backends all have weight 0 answers every request with an error; some gateways send
everything to the first backend instead. To take a model out of service, remove its environment
file.

## Bad
```yaml
weights: {r1: 0, r2: 0}
```

## Good
```yaml
weights: {r1: 100, r2: 0}
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles

ID = "no-all-zero"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each file without a weight above 0."""
    for environment, serving in files.servings.items():
        if not any(serving.weights.values()):
            path = layout.serving_file(files.folder, environment)
            position = files.documents[path].at_key("weights")
            message = "found only weights of 0, expected one release to get traffic"
            remedy = f"give {serving.stable} 100, or remove the file to stop serving"
            yield Violation(path, position, message, remedy)
