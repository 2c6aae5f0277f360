"""A model whose releases are verified stays so.

## What it does
Refuses a release that the change adds without `golden` where a release that is served has one.

## Why
The golden file is replayed before a server says ready: it is what tells a broken export, or a
runtime that computes something else, before the first caller does. A release without it is ready as
soon as its file loads.

## Bad
```yaml
# apps/churn/releases/r2.yaml without golden, while r1 has one
resources: {cpu: "2", memory: 1Gi}
```

## Good
```yaml
# apps/churn/releases/r2.yaml
golden:
  uri: https://models.example.com/churn/r2.golden.json
  sha256: 3af7375dc37c98cc03a5c46a47c8ce11dc856cbbeeeb951edb106fcbcd8e038d
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation

ID = "golden-kept"
LEVEL = Level.ERROR
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One finding for each new release that nothing verifies."""
    served = {r for was in change.applied_before.values() for r, w in was.weights.items() if w}
    verified = [r.id for r in change.before.releases.values() if r.golden and r.id in served]
    for key, release in change.after.releases.items():
        is_new = key not in change.before.releases and not change.had_before(key)
        if verified and is_new and release.golden is None:
            message = f"found no golden file, expected one as {verified[-1]} has, which serves"
            remedy = "record one with `modelctl release`, and write golden: {uri, sha256}"
            yield in_release(change.after, key, message=message, remedy=remedy)
