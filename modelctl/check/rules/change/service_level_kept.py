"""What callers were promised does not become less beside them.

## What it does
Warns where a model that is served promises a longer `latency_p99_ms` or a higher `error_rate` than
before the change. A promise that main has made before is left alone.

## Why
Alerts, deadlines of callers and the gates of a canary follow from the promise. With a weaker one
the alert that rang yesterday is silent today, with the same errors.

## Bad
```yaml
# which said error_rate: 0.001 before
service_level: {latency_p99_ms: 50, error_rate: 0.5, peak_rps: 200}
```

## Good
```yaml
service_level: {latency_p99_ms: 50, error_rate: 0.001, peak_rps: 200}
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.check.placed import in_model
from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout

ID = "service-level-kept"
LEVEL = Level.WARNING
SCOPE = Scope.CHANGE

_PROMISED = ("latency_p99_ms", "error_rate")


def check(change: ModelChange) -> Iterator[Violation]:
    """One warning for each promise that is weaker."""
    before, after = change.before.model, change.after.model
    served = any(was.weights for was in change.applied_before.values())
    if before is None or after is None or not served:
        return
    if change.has_said(layout.model_file(change.folder), "service_level"):
        return
    for name in _PROMISED:
        old, new = getattr(before.service_level, name), getattr(after.service_level, name)
        if new > old:
            message = f"found {name} {new:g}, expected at most {old:g}, which callers rely on"
            remedy = "put it back, or agree on it with those who call the model"
            at = ("service_level", name)
            yield in_model(change.after, *at, message=message, remedy=remedy)
