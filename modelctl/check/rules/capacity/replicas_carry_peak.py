"""The most replicas of a release carry their share of the peak.

## What it does
Warns where, by Little's law, `peak_rps` times a release's weight times `latency_p99_ms` is more
requests at once than `scale.max` replicas admit with their `max_inflight`. A shadow is told by
`mirror-capacity`.

## Why
Requests above `max_inflight` get 503 at once. Where the service level itself needs more of them in
flight than all replicas together admit, the peak is refused by arithmetic, however fast the model.

## Bad
```yaml
# peak_rps: 10000, latency_p99_ms: 500: 5000 requests at once; the release has max_inflight: 64
scale: {min: 2, max: 8, metric: cpu, target: 70}
```

## Good
```yaml
# peak_rps: 10000, latency_p99_ms: 500: 5000 requests at once; the release has max_inflight: 64
scale: {min: 40, max: 80, metric: cpu, target: 70}
```
"""

from collections.abc import Iterator
from math import ceil

from modelctl.check.placed import in_serving
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.kinds import ServiceLevel
from modelctl.repo.repository import ModelFiles

ID = "replicas-carry-peak"
LEVEL = Level.WARNING
SCOPE = Scope.MODEL

_MS_PER_S = 1000
_WHOLE = 100


def check(files: ModelFiles) -> Iterator[Violation]:
    """One warning for each environment that refuses its own peak."""
    if files.model is None:
        return
    for name, serving in files.servings.items():
        for key, weight in serving.weights.items():
            release = files.releases.get(key)
            at_once = requests_at_once(files.model.service_level, weight)
            if release is None or at_once <= serving.scale.max * release.runtime.max_inflight:
                continue
            needed = ceil(at_once / release.runtime.max_inflight)
            message = (
                f"found max {serving.scale.max}, expected {needed} replicas for the {at_once:g} "
                f"requests at once that {key} has at {weight} % of the peak"
            )
            remedy = f"write max: {needed}, raise max_inflight, or promise less"
            yield in_serving(files, name, "scale", "max", message=message, remedy=remedy)
            break


def requests_at_once(promised: ServiceLevel, percent: int) -> float:
    """Requests in flight at the peak, by Little's law, for a share of the traffic."""
    return promised.peak_rps * percent / _WHOLE * promised.latency_p99_ms / _MS_PER_S
