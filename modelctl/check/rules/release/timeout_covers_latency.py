"""A release that serves is given as much time for a request as its model promises to need.

## What it does
Compares `runtime.request_timeout_s` of every release that serves somewhere with
`service_level.latency_p99_ms` of the model.

## Why
The gateway gives an answer up after that time, and a pod that ends waits no longer either. Where it
is shorter than the promised p99, one request in a hundred is answered with 504 while all is well.

## Bad
```yaml
# model.yaml: service_level: {latency_p99_ms: 45000, error_rate: 0.001, peak_rps: 2}
runtime: {providers: [cpu], threads: 2, max_inflight: 4}  # 30 s, as nothing is said
```

## Good
```yaml
# model.yaml: service_level: {latency_p99_ms: 45000, error_rate: 0.001, peak_rps: 2}
runtime: {providers: [cpu], threads: 2, max_inflight: 4, request_timeout_s: 90}
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles

ID = "timeout-covers-latency"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each release that serves and is given too little time."""
    if files.model is None:
        return
    promised_ms = files.model.service_level.latency_p99_ms
    serving = {release for each in files.servings.values() for release in each.deployed}
    for key, release in files.releases.items():
        found_s = release.runtime.request_timeout_s
        if key in serving and 1000 * found_s < promised_ms:
            path = layout.release_file(files.folder, key)
            position = files.documents[path].at("runtime")
            message = f"found {found_s} s for a request, expected the promised {promised_ms:g} ms"
            remedy = "add a release with runtime.request_timeout_s, or promise less in model.yaml"
            yield Violation(path, position, f"{message} at least", remedy)
