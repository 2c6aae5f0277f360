"""A GPU that a release asks for is used.

## What it does
Refuses `cpu` before `cuda` or `tensorrt` in `runtime.providers`, and `cuda` before `tensorrt`.

## Why
ONNX Runtime gives each operator to the first provider that has it. The CPU has them all, so that
the GPU behind it is reserved and idle, at a hundredth of the rate. The same of TensorRT behind
CUDA.

## Bad
```yaml
runtime: {providers: [cpu, cuda], threads: 1, max_inflight: 64}
```

## Good
```yaml
runtime: {providers: [cuda, cpu], threads: 1, max_inflight: 64}
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import ModelFiles

ID = "provider-order"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL

_ORDER = ("tensorrt", "cuda", "cpu")  # from the one that takes fewest operators to the last resort


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each release whose providers stand in the way of one another."""
    for key, release in files.releases.items():
        found = release.runtime.providers
        wanted = tuple(sorted(found, key=_ORDER.index))
        if found != wanted:
            message = f"found {', '.join(found)}, expected {', '.join(wanted)}"
            remedy = f"write providers: [{', '.join(wanted)}]"
            at = ("runtime", "providers")
            yield in_release(files, key, *at, message=message, remedy=remedy)
