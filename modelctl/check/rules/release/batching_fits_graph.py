"""A release that batches takes batches.

## What it does
Refuses `runtime.batching` where an input of the graph has no first dimension, or one of a fixed
size, and the same of an output. Refuses `max_size` above `runtime.limits.rows`, and a delay that is
no shorter than the model's `latency_p99_ms`.

## Why
Rows of several requests are joined along the first dimension. Where that is fixed, each joined run
fails, or the server finds that out at start and serves every request alone, at a fraction of the
rate that its replicas were planned for. A request that waits for others as long as it may take in
all is late before it runs.

## Bad
```yaml
graph: {inputs: [{name: x, datatype: FP32, shape: [1, 64]}]}
runtime: {providers: [cpu], threads: 1, max_inflight: 64, batching: {max_size: 32, max_delay_ms: 2}}
```

## Good
```yaml
graph: {inputs: [{name: x, datatype: FP32, shape: [-1, 64]}]}
runtime: {providers: [cpu], threads: 1, max_inflight: 64, batching: {max_size: 32, max_delay_ms: 2}}
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.model.graph import ANY_SIZE
from modelctl.repo.kinds import Batching, Release
from modelctl.repo.repository import ModelFiles

ID = "batching-fits-graph"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each tensor, limit and delay that does not go with batches."""
    for key, release in files.releases.items():
        batching = release.runtime.batching
        if batching is not None:
            yield from _tensors(files, key, release)
            yield from _numbers(files, key, release, batching)


def _tensors(files: ModelFiles, key: str, release: Release) -> Iterator[Violation]:
    sides = (("inputs", release.graph.inputs), ("outputs", release.graph.outputs))
    for side, tensors in sides:
        for index, tensor in enumerate(tensors):
            if tensor.shape[:1] != (ANY_SIZE,):
                first = tensor.shape[0] if tensor.shape else "no dimension"
                message = (
                    f"{side}.{tensor.name}: found {first} first, expected -1 (any size) "
                    "in a release that batches"
                )
                at = ("graph", side, index, "shape", *((0,) if tensor.shape else ()))
                remedy = "export the model with a free first dimension, or remove batching"
                yield in_release(files, key, *at, message=message, remedy=remedy)


def _numbers(
    files: ModelFiles, key: str, release: Release, batching: Batching
) -> Iterator[Violation]:
    rows = release.runtime.limits.rows
    if rows is not None and rows < batching.max_size:
        message = f"found batches of {batching.max_size} rows, expected at most limits.rows {rows}"
        at = ("runtime", "batching", "max_size")
        yield in_release(files, key, *at, message=message, remedy="lower max_size or raise rows")
    allowed_ms = files.model.service_level.latency_p99_ms if files.model else None
    if allowed_ms is not None and batching.max_delay_ms >= allowed_ms:
        message = (
            f"found a delay of {batching.max_delay_ms:g} ms, expected less than latency_p99_ms, "
            f"which is {allowed_ms:g}"
        )
        at = ("runtime", "batching", "max_delay_ms")
        remedy = "wait a tenth of that at most: the run takes its time too"
        yield in_release(files, key, *at, message=message, remedy=remedy)
