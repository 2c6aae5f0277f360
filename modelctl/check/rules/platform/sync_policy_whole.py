"""An Application that people write syncs by itself, heals, and never gives up.

## What it does
Holds `syncPolicy` of each Application in `argocd/platform/<environment>/` to the policy of those
that are rendered: automated, with `selfHeal` and without `allowEmpty`; `retry` without end
(`limit: -1`), with the newest commit (`refresh: true`) and pauses of at most a minute. Whether it
prunes is each one's own: what a chart takes along may be meant to stay.

## Why
After its last retry Argo CD does nothing more at a commit, however long the cause is gone: a
definition that came six minutes late left everything behind it undone. Without `refresh` a retry
applies the commit that failed, not the one that mends it. What does not heal keeps what a hand
changed.

## Bad
```yaml
syncPolicy:
  automated: {enabled: true}
  retry: {limit: 5}
```

## Good
```yaml
syncPolicy:
  automated: {enabled: true, selfHeal: true}
  retry: {limit: -1, refresh: true, backoff: {duration: 5s, factor: 2, maxDuration: 20s}}
```
"""

import re
from collections.abc import Iterator, Mapping

from modelctl.check.written import ROOT, Written, applications
from modelctl.finding import Level, Pointer, Scope, Violation
from modelctl.render.loose import value
from modelctl.repo.repository import Files
from modelctl.repo.scalars import short

ID = "sync-policy-whole"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_LONGEST_PAUSE_S = 60  # what was missing is applied so long after it came, at most
_DURATION = re.compile(r"(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s?)?")
_POLICY: Pointer = ("spec", "syncPolicy")
_WHOLE = "write {limit: -1, refresh: true, backoff: {maxDuration: 20s}}"
_ENDLESS = "write limit: -1: after the last try nothing is applied until the next commit"
_NEWEST = "write refresh: true: else the commit that mends it is not applied"


def check(files: Files) -> Iterator[Violation]:
    """One finding for each part of the policy that is missing or another."""
    for each in applications(files):
        spec = value(each.value, "spec")
        if each.reader != ROOT or not isinstance(spec, Mapping):
            continue
        if not isinstance(spec.get("syncPolicy"), Mapping):
            message = "found no syncPolicy, expected one with automated, syncOptions and retry"
            remedy = "write it: without it nothing is synced until a person does it"
            yield each.violation("spec", message=message, remedy=remedy)
            continue
        yield from _automated(each)
        yield from _retry(each)


def _automated(each: Written) -> Iterator[Violation]:
    at = (*_POLICY, "automated")
    found = value(each.value, "spec", "syncPolicy", "automated")
    if not isinstance(found, Mapping):
        message = "found no automated, expected every commit to be synced by itself"
        yield each.violation(*at, message=message, remedy="write {enabled: true, selfHeal: true}")
        return
    if found.get("enabled") is False:
        message = "found enabled: false, expected every commit to be synced by itself"
        remedy = "write enabled: true: while it is off no revert of the platform is applied"
        yield each.violation(*at, "enabled", message=message, remedy=remedy)
    if found.get("selfHeal") in (None, False):
        message = f"found {'no selfHeal' if 'selfHeal' not in found else 'selfHeal: false'}"
        remedy = "write selfHeal: true: else what a hand changed stays, and is shown by nobody"
        message = f"{message}, expected what git says to win"
        yield each.violation(*at, "selfHeal", message=message, remedy=remedy)
    if found.get("allowEmpty") is True:
        message = "found allowEmpty: true, expected a sync of nothing to be refused"
        remedy = "remove it: a folder that is empty by mistake would delete everything"
        yield each.violation(*at, "allowEmpty", message=message, remedy=remedy)


def _retry(each: Written) -> Iterator[Violation]:
    at = (*_POLICY, "retry")
    found = value(each.value, "spec", "syncPolicy", "retry")
    if not isinstance(found, Mapping):
        message = "found no retry, expected tries without end"
        yield each.violation(*at, message=message, remedy=_WHOLE)
        return
    if not found:
        message = "found an empty retry, expected tries without end"
        yield each.violation(*at, message=message, remedy=_WHOLE)
        return
    for key, wanted, remedy in (("limit", -1, _ENDLESS), ("refresh", True, _NEWEST)):
        if found.get(key) != wanted and isinstance(found.get(key), int | None):
            shown = f"{key}: {str(found[key]).lower()}" if key in found else f"no {key}"
            message = f"found {shown}, expected {key}: {str(wanted).lower()}"
            yield each.violation(*at, key, message=message, remedy=remedy)
    yield from _pause(each, at, value(found, "backoff", "maxDuration"))


def _pause(each: Written, at: Pointer, longest: object) -> Iterator[Violation]:
    if longest is not None and not isinstance(longest, str):
        return
    seconds = _seconds(longest) if longest else None
    if seconds is None or seconds > _LONGEST_PAUSE_S:
        shown = f"a pause of {short(longest)}" if longest else "no maxDuration"
        message = f"found {shown}, expected pauses of at most {_LONGEST_PAUSE_S} s"
        remedy = "write maxDuration: 20s: so long after its cause a failure ends"
        yield each.violation(*at, "backoff", "maxDuration", message=message, remedy=remedy)


def _seconds(text: str) -> int | None:
    match = _DURATION.fullmatch(text)
    if not match or not any(match.groups()):
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
