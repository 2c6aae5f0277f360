"""A new release asks for no less than the one that it is to replace.

## What it does
Warns where a release that the change adds has less cpu, memory, GPUs, threads or `max_inflight`
than the newest release before it that is served, and its model file is not smaller.

## Why
A canary at 5 % fits into anything. At 100 % the smaller pods queue, are killed for memory or answer
503, and by then the old ones are scaled down.

## Bad
```yaml
# apps/churn/releases/r2.yaml, while r1 has memory: 4Gi and a model file of the same size
resources: {cpu: "2", memory: 1Gi}
```

## Good
```yaml
# apps/churn/releases/r2.yaml
resources: {cpu: "2", memory: 4Gi}
```
"""

from collections.abc import Iterator
from fractions import Fraction

from modelctl.check.change import ModelChange
from modelctl.check.placed import in_release
from modelctl.finding import Level, Pointer, Scope, Violation
from modelctl.repo.kinds import Release
from modelctl.repo.quantities import amount

ID = "resources-lowered"
LEVEL = Level.WARNING
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One warning for each amount that a new release has less of."""
    served = {r for was in change.applied_before.values() for r, w in was.weights.items() if w}
    reference = next(
        (r for r in reversed([*change.before.releases.values()]) if r.id in served), None
    )
    if reference is None:
        return
    for key, release in change.after.releases.items():
        is_new = key not in change.before.releases and not change.had_before(key)
        if is_new and release.artifact.size_bytes >= reference.artifact.size_bytes:
            yield from _less(change, release, reference)


def _less(change: ModelChange, release: Release, reference: Release) -> Iterator[Violation]:
    before = dict(_amounts(reference))
    for at, (value, words) in _amounts(release):
        had, told = before[at]
        if value < had:
            message = f"found {words}, expected at least {told} as {reference.id} has, which serves"
            remedy = "write as much, or say in the pull request what measurement allows less"
            yield in_release(change.after, release.id, *at, message=message, remedy=remedy)


def _amounts(release: Release) -> Iterator[tuple[Pointer, tuple[Fraction, str]]]:
    """Each amount by its place: the number, and the words for it."""
    resources, runtime = release.resources, release.runtime
    gpus = resources.gpu.count if resources.gpu else 0
    yield ("resources", "cpu"), (amount(resources.cpu), f"cpu {resources.cpu}")
    yield ("resources", "memory"), (amount(resources.memory), f"memory {resources.memory}")
    yield ("resources", "gpu", "count"), (Fraction(gpus), f"{gpus} GPUs")
    yield ("runtime", "threads"), (Fraction(runtime.threads), f"{runtime.threads} threads")
    inflight = runtime.max_inflight
    yield ("runtime", "max_inflight"), (Fraction(inflight), f"max_inflight {inflight}")
