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

from modelctl.finding import Finding, Level
from modelctl.repo import layout
from modelctl.repo.repository import Repository

ID = "no-all-zero"
LEVEL = Level.ERROR


def check(repository: Repository) -> Iterator[Finding]:
    """One finding for each file without a weight above 0."""
    for (folder, environment), serving in repository.servings.items():
        if not any(serving.weights.values()):
            path = layout.serving_file(folder, environment)
            place = repository.documents[path].at_key("weights")
            message = "found only weights of 0, expected one release to get traffic"
            remedy = f"give {serving.stable} 100, or remove the file to stop serving"
            yield Finding(path, place, ID, message, remedy, LEVEL)
