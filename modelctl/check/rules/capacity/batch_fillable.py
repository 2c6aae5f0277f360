"""A batch can become as large as it may.

## What it does
Warns of `batching.max_size` above `max_inflight`.

## Why
Each request that waits in a batch is in flight. Where fewer are admitted than a batch holds,
batches of single rows never fill: each waits its whole delay, and the rate that was measured with
full batches is never reached.

## Bad
```yaml
runtime: {providers: [cpu], threads: 2, max_inflight: 8, batching: {max_size: 32, max_delay_ms: 2}}
```

## Good
```yaml
runtime: {providers: [cpu], threads: 2, max_inflight: 64, batching: {max_size: 32, max_delay_ms: 2}}
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import ModelFiles

ID = "batch-fillable"
LEVEL = Level.WARNING
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One warning for each release whose batches stay small."""
    for key, release in files.releases.items():
        batching, inflight = release.runtime.batching, release.runtime.max_inflight
        if batching is not None and batching.max_size > inflight:
            message = f"found batches of {batching.max_size} rows, expected at most max_inflight, "
            message += f"which is {inflight}"
            at = ("runtime", "batching", "max_size")
            remedy = f"write max_size: {inflight}, or raise max_inflight"
            yield in_release(files, key, *at, message=message, remedy=remedy)
