"""A shadow has the replicas for the copies that it gets.

## What it does
Warns where the copies of requests, by Little's law as in `replicas-carry-peak`, are more at once
than `scale.max` replicas of the shadow admit.

## Why
A shadow that is too small answers copies with 503. Nobody sees that, and what is compared with it
are the easy moments of the day alone.

## Bad
```yaml
# peak_rps: 10000, latency_p99_ms: 500, and r3 has max_inflight: 64
shadow: {release: r3, percent: 100}
scale: {min: 2, max: 8, metric: cpu, target: 70}
```

## Good
```yaml
# peak_rps: 10000, latency_p99_ms: 500, and r3 has max_inflight: 64
shadow: {release: r3, percent: 10}
scale: {min: 2, max: 8, metric: cpu, target: 70}
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_serving
from modelctl.check.rules.capacity.replicas_carry_peak import requests_at_once
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import ModelFiles

ID = "mirror-capacity"
LEVEL = Level.WARNING
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One warning for each shadow that cannot take its copies."""
    for name, serving in files.servings.items():
        shadow = serving.shadow
        release = files.releases.get(shadow.release) if shadow else None
        if shadow is None or release is None or files.model is None:
            continue
        at_once = requests_at_once(files.model.service_level, shadow.percent)
        room = serving.scale.max * release.runtime.max_inflight
        if at_once > room:
            message = f"found {shadow.percent} % of the peak, {at_once:g} requests at once, "
            message += f"expected at most the {room} that {shadow.release} admits"
            most = int(shadow.percent * room / at_once)
            remedy = f"copy at most {most} %" if most else "raise scale.max, or remove the shadow"
            yield in_serving(files, name, "shadow", "percent", message=message, remedy=remedy)
