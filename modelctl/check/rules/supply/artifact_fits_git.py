"""No file of more than 50 MiB is added to git.

## What it does
Refuses that a change adds a model file or golden file of more than 50 MiB to this repository, or
replaces one by such a file. What was there before stays, with the warning of
`artifact-outside-git`.

## Why
Hosts warn of such files and refuse them over 100 MB, once they are part of a history that then has
to be rewritten. A pipeline fetches them for every run.

## Bad
```yaml
# one change: artifacts/churn/r2.onnx with 324 MB, and the release that names it
artifact: {uri: "https://models.example.com/churn/r2.onnx", sha256: 9f86…, bytes: 324148322}
```

## Good
```yaml
# `modelctl release churn --artifact FILE` keeps the file in the store
artifact: {uri: "store:///9f86….onnx", sha256: 9f86…, bytes: 324148322}
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.check.placed import in_release
from modelctl.check.rules.supply.artifact_outside_git import in_git
from modelctl.finding import Level, Scope, Violation

ID = "artifact-fits-git"
LEVEL = Level.ERROR
SCOPE = Scope.CHANGE
MOST_BYTES = 50 << 20  # hosts warn from here on


def check(change: ModelChange) -> Iterator[Violation]:
    """One finding for each file that only a rewritten history would be rid of."""
    before = change.before.repository.tree
    for key, release in change.after.releases.items():
        for part, path, size_bytes in in_git(change.after, release):
            if size_bytes <= MOST_BYTES:
                continue
            was = before.entry(path)
            if was is None or was.size_bytes != size_bytes:
                message = (
                    f"found {size_bytes} bytes in {path}, expected at most {MOST_BYTES} in git"
                )
                remedy = "take it out of the commit, and keep it in the store as `release` does"
                yield in_release(change.after, key, part, message=message, remedy=remedy)
