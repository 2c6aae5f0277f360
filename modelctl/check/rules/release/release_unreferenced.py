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

from collections.abc import Collection, Iterator

from modelctl.finding import START, Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles

ID = "release-unreferenced"
LEVEL = Level.WARNING
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One warning for each release that is older than one that is served, and is not."""
    live = {
        release
        for serving in files.servings.values()
        for release in (*serving.deployed, serving.stable)
    }
    if _is_unknown(files, live):
        return
    newest = max(map(layout.release_number, live), default=0)
    for release in files.releases:
        if release not in live and layout.release_number(release) < newest:
            path = layout.release_file(files.folder, release)
            message = f"found {release} in no environment, expected it to be served in one"
            yield Violation(path, START, message, "delete the file; git keeps it")


def _is_unknown(files: ModelFiles, live: Collection[str]) -> bool:
    """Whether a faulty file, or a name that is no release's, was meant to serve something."""
    if any(layout.place(fault.path).kind is layout.Kind.SERVING for fault in files.faults):
        return True
    return any(layout.release_file(files.folder, each) not in files.entries for each in live)
