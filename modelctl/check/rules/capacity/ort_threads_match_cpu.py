"""A release runs no more threads than it has whole CPUs.

## What it does
Refuses `runtime.threads` above `resources.cpu`, rounded down; one thread is always right. Request
and limit of cpu are equal, so this is all that the server ever gets.

## Why
More threads than CPUs use up the quota of each period early, and then all of them stand still until
the next one begins: the model computes no faster, and the slowest answers take many times as long.

## Bad
```yaml
runtime: {providers: [cpu], threads: 8, max_inflight: 64}
resources: {cpu: "2", memory: 1Gi}
```

## Good
```yaml
runtime: {providers: [cpu], threads: 2, max_inflight: 64}
resources: {cpu: "2", memory: 1Gi}
```
"""

from collections.abc import Iterator
from math import floor

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.quantities import amount
from modelctl.repo.repository import ModelFiles

ID = "ort-threads-match-cpu"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each release with threads that have no CPU."""
    for release_id, release in files.releases.items():
        threads, cpu = release.runtime.threads, release.resources.cpu
        most = max(1, floor(amount(cpu)))
        if threads > most:
            path = layout.release_file(files.folder, release_id)
            position = files.documents[path].at("runtime", "threads")
            message = f"found {threads} threads, expected at most {most} with cpu {cpu}"
            remedy = f'write threads: {most}, or ask for cpu: "{threads}"'
            yield Violation(path, position, message, remedy)
