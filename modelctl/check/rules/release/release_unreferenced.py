"""Every release is served somewhere, or is still to be introduced.

## What it does
Warns of a release file that no environment names although a later release is served. A release that
is newer than every one that is served waits for its introduction and is left alone.

## Why
Dead files hide what is live: in an incident somebody has to read them to know that they do not
matter. Git keeps every release that was ever served.

## Bad
```yaml
# apps/churn/envs/prod.yaml, the only environment, beside r1.yaml, r2.yaml and r3.yaml
weights: {r3: 100}
```

## Good
```yaml
# apps/churn/envs/prod.yaml, the only environment, beside r2.yaml and r3.yaml
weights: {r3: 100, r2: 0}
```
"""

from collections import defaultdict
from collections.abc import Iterator

from modelctl.finding import START, Finding, Level
from modelctl.repo import layout
from modelctl.repo.repository import Repository

ID = "release-unreferenced"
LEVEL = Level.WARNING


def check(repository: Repository) -> Iterator[Finding]:
    """One warning for each release that is older than one that is served, and is not."""
    served: dict[str, set[str]] = defaultdict(set)
    for (folder, _), serving in repository.servings.items():
        served[folder] |= {*serving.deployed, serving.stable}
    # What a faulty file, or a name that is no release's, was meant to serve is not known.
    unknown = {fault.path.split("/")[1] for fault in repository.faults if "/envs/" in fault.path}
    unknown |= {
        folder
        for folder, live in served.items()
        if any(layout.release_file(folder, release) not in repository.entries for release in live)
    }
    for folder, release in repository.releases:
        live = served[folder]
        newest = max((int(other[1:]) for other in live), default=0)
        if folder not in unknown and release not in live and int(release[1:]) < newest:
            path = layout.release_file(folder, release)
            message = f"found {release} in no environment, expected it to be served in one"
            yield Finding(path, START, ID, message, "delete the file; git keeps it", LEVEL)
