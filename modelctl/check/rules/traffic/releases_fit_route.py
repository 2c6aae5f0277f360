"""A model has no more releases in an environment than its route has rules for.

## What it does
Refuses more than 14 deployed releases, those under `weights` and the one under `shadow` together.

## Why
An HTTPRoute holds 16 rules. Each deployed release has one, so that requests which name it reach it;
one refuses releases that are not deployed, and one shares by weight. The API server refuses a
longer route, and the old one goes on serving while everything else of the commit is applied.

## Bad
```yaml
weights: {r1: 100, r2: 0, r3: 0, r4: 0, r5: 0, r6: 0, r7: 0, r8: 0, r9: 0, r10: 0, r11: 0, r12: 0,
          r13: 0, r14: 0}
shadow: {release: r15, percent: 10}
```

## Good
```yaml
weights: {r13: 100, r14: 0}
shadow: {release: r15, percent: 10}
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles

ID = "releases-fit-route"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL

_MOST = 14  # of the 16 rules of a route, less the one that refuses and the one that shares


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each environment with too many releases."""
    for environment, serving in files.servings.items():
        if len(serving.deployed) > _MOST:
            path = layout.serving_file(files.folder, environment)
            message = f"found {len(serving.deployed)} deployed releases, expected at most {_MOST}"
            remedy = "retire releases that nobody goes back to"
            yield Violation(path, files.documents[path].at_key("weights"), message, remedy)
