"""A protection of Argo CD goes away on purpose, and not with a line.

## What it does
Compares a change of `argocd/config/` with what was there: a setting that protects syncs or rights
stays, in the ConfigMap where Argo CD looks for it, and so does each line of a policy that denies
something, and the emptied project `default`.

## Why
A line that is gone brings back what Argo CD does by itself: pauses of five minutes between repairs,
a sync of any commit by whoever may sync, a project that deploys anything anywhere. No diff shows
that, only the absence.

## Bad
```yaml
# controller.self.heal.backoff.cap.seconds was there before
data: {controller.diff.server.side: "false"}
```

## Good
```yaml
data: {controller.diff.server.side: "false", controller.self.heal.backoff.cap.seconds: "10"}
```
"""

from collections.abc import Iterator, Mapping

from modelctl.check.change import FleetChange
from modelctl.check.written import SETTINGS, Written, written
from modelctl.finding import START, Level, Scope, Violation
from modelctl.render.loose import value
from modelctl.repo.repository import Repository

ID = "protection-kept"
LEVEL = Level.ERROR
SCOPE = Scope.FLEET

_KEYS: Mapping[str, tuple[str, ...]] = {
    "argocd-cmd-params-cm": (
        "controller.diff.server.side",
        "controller.self.heal.backoff.cap.seconds",
        "controller.sync.timeout.seconds",
    ),
    "argocd-cm": (
        "application.resourceTrackingMethod",
        "application.sync.requireOverridePrivilegeForRevisionSync",
        "exec.enabled",
        "resource.customizations.health.argoproj.io_Application",
        "timeout.reconciliation",
        "users.anonymous.enabled",
    ),
    "argocd-rbac-cm": ("policy.default", "scopes"),
}
_REMEDY = "put it back"


def check(change: FleetChange) -> Iterator[Violation]:
    """One finding for each setting, denial and project that is gone."""
    before, after = _settings(change.before), _settings(change.after)
    for (kind, name), was in before.items():
        now = after.get((kind, name))
        is_a_protection = name in _KEYS or (kind, name) == ("AppProject", "default")
        if now is None and is_a_protection:
            message = f"found no {kind} {name} any more, expected it in argocd/config"
            yield Violation(was.path, START, message, _REMEDY)
        elif now is not None:
            yield from _keys(was, now)
            yield from _denials(was, now)


def _settings(repository: Repository) -> dict[tuple[str, str], Written]:
    return {(e.kind, e.name): e for e in written(repository) if e.reader == SETTINGS}


def _keys(was: Written, now: Written) -> Iterator[Violation]:
    for key in _KEYS.get(was.name, ()):
        if value(was.value, "data", key) is not None and value(now.value, "data", key) is None:
            message = f"found no {key} any more, expected {value(was.value, 'data', key)}"
            message = message.partition("\n")[0]
            yield now.violation("data", message=message, remedy=_REMEDY)


def _denials(was: Written, now: Written) -> Iterator[Violation]:
    kept = _denied(now)
    for line in _denied(was):
        if line not in kept:
            message = f"found no `{line}` any more, expected what is denied to stay denied"
            at = ("data", "policy.csv")
            yield now.violation(*at, message=message, remedy=_REMEDY)


def _denied(each: Written) -> list[str]:
    data = value(each.value, "data")
    if each.name != "argocd-rbac-cm" or not isinstance(data, Mapping):
        return []
    texts = [text for key, text in data.items() if key.endswith("csv") and isinstance(text, str)]
    fields = ([f.strip() for f in line.split(",")] for text in texts for line in text.splitlines())
    return [", ".join(line) for line in fields if line[0] == "p" and line[-1] == "deny"]
