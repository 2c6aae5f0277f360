"""Argo CD's own settings neither hold back a sync nor hide what was not applied.

## What it does
Reads the ConfigMaps of `argocd/config/` that are Argo CD's: `argocd-cmd-params-cm`, `argocd-cm` and
`argocd-rbac-cm`. Refuses values by which a sync is held back or shown wrongly, by which people come
in without a name or get more than reading, and keys that are near to one that Argo CD knows.

## Why
Compared by the API server, objects that were refused showed as Synced at a commit that they never
had; a sync that is ended by a clock is never tried again; with an excluded kind nothing of it is
applied. Whoever comes in unnamed, or may `exec`, acts without a commit.

## Bad
```yaml
metadata: {name: argocd-cmd-params-cm}
data: {controller.diff.server.side: "true", controller.sync.timeout.seconds: "900"}
```

## Good
```yaml
metadata: {name: argocd-cmd-params-cm}
data: {controller.diff.server.side: "false", controller.sync.timeout.seconds: "0"}
```
"""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping

from modelctl.check.written import SETTINGS, Written, written
from modelctl.finding import Level, Scope, Violation
from modelctl.render.loose import value
from modelctl.repo.repository import Files
from modelctl.repo.scalars import short

ID = "argocd-settings-sound"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_NEAR = 0.86  # of difflib, 0 to 1: a key that differs by a letter or two
_LONGEST_PAUSE_S = 10  # between two repairs of one revision
_LONGEST_POLL_S = 180  # where a webhook is lost, a rollback waits so long
_Is = Callable[[str], bool]


def _is(*wanted: str) -> _Is:
    return lambda text: text.strip().casefold() in wanted


def _at_most(most: int) -> _Is:
    return lambda text: text.strip().isdigit() and 0 < int(text) <= most


def _polls(text: str) -> bool:
    match = re.fullmatch(r"(?:([0-9]+)m)?(?:([0-9]+)s)?", text.strip())
    seconds = int(match[1] or 0) * 60 + int(match[2] or 0) if match else 0
    return 0 < seconds <= _LONGEST_POLL_S


# By ConfigMap and key: what holds of a good value, what is expected, and why.
_Sound = Mapping[str, tuple[_Is, str, str]]
_OFF = _is("false", "")
_PARAMETERS: _Sound = {
    "application.namespaces": (
        _is(""),
        "none",
        "Applications of other namespaces are made by whoever may write there",
    ),
    "controller.diff.server.side": (
        _OFF,
        '"false"',
        "asked of the API server, what is refused shows as Synced",
    ),
    "controller.self.heal.backoff.cap.seconds": (
        _at_most(_LONGEST_PAUSE_S),
        f"1 to {_LONGEST_PAUSE_S}",
        "with a longer pause what a hand changed stays for minutes",
    ),
    "controller.sync.timeout.seconds": (
        _is("0", ""),
        '"0"',
        "a sync that is ended by a clock is never tried again at its commit",
    ),
    "server.disable.auth": (_OFF, '"false"', "everybody would be the administrator"),
}
_MAIN: _Sound = {
    "admin.enabled": (
        _OFF,
        "it from argocd/environments.yaml",
        "the administrator is for the time before single sign-on",
    ),
    "application.resourceTrackingMethod": (
        _is("annotation", "annotation+label"),
        "annotation",
        "by label, objects of two Applications are taken for one another's",
    ),
    "application.sync.impersonation.enabled": (
        _OFF,
        '"false"',
        "no project names an account, and every sync would fail",
    ),
    "application.sync.requireOverridePrivilegeForRevisionSync": (
        _is("true"),
        '"true"',
        "else whoever may sync can apply any commit, also one that nobody reviewed",
    ),
    "exec.enabled": (_OFF, '"false"', "whoever enters a pod acts without a commit"),
    "kustomize.buildOptions": (
        lambda text: "exec" not in text and "plugin" not in text,
        "no plugins",
        "a commit would run programs in the repo server",
    ),
    "oidc.tls.insecure.skip.verify": (
        _OFF,
        '"false"',
        "whoever answers for the issuer could name anybody",
    ),
    "resource.inclusions": (
        _is("", "[]"),
        "none",
        "a kind that is not listed is neither applied nor pruned",
    ),
    "server.rbac.disableApplicationFineGrainedRBACInheritance": (
        _is("true"),
        '"true"',
        "else a right on an Application is one on every object below it",
    ),
    "timeout.reconciliation": (
        _polls,
        f"1s to {_LONGEST_POLL_S}s",
        "where a webhook is lost, a rollback waits for it",
    ),
    "users.anonymous.enabled": (_OFF, '"false"', "whoever reaches the address would be let in"),
}
_RIGHTS: _Sound = {
    "policy.default": (
        lambda text: text not in ("role:admin", "role:readonly"),
        "a role of your own",
        "role:admin allows everything, role:readonly all logs and settings too",
    ),
    "policy.matchMode": (
        _is("glob", ""),
        "glob",
        "every policy here is a pattern, and as an expression it means another thing",
    ),
    "policy.csv": (
        lambda text: not any(map(_is_broken, text.splitlines())),
        "lines `p, subject, resource, action, object, effect` and `g, subject, role`",
        "with one broken line Argo CD loads none of the policy",
    ),
}
_SOUND: Mapping[str, _Sound] = {
    "argocd-cmd-params-cm": _PARAMETERS,
    "argocd-cm": _MAIN,
    "argocd-rbac-cm": _RIGHTS,
}
# Further keys that one of the above could be taken for.
_ALSO = frozenset(
    {
        "controller.self.heal.timeout.seconds",
        "controller.self.heal.backoff.timeout.seconds",
        "controller.self.heal.backoff.factor",
        "resource.exclusions",
        "timeout.hard.reconciliation",
        "timeout.reconciliation.jitter",
    }
)
_FIELDS = {"p": 6, "g": 3}
_EFFECTS = ("allow", "deny")


def check(files: Files) -> Iterator[Violation]:
    """One finding for each value that is not sound, and each key that is misspelt."""
    for each in written(files):
        sound, data = _SOUND.get(each.name), value(each.value, "data")
        if each.reader != SETTINGS or sound is None or not isinstance(data, Mapping):
            continue
        for key, text in data.items():
            is_policy = sound is _RIGHTS and key.startswith("policy.") and key.endswith("csv")
            wanted = sound.get("policy.csv" if is_policy else key)
            if wanted and isinstance(text, str):
                yield from _judged(each, key, text, wanted)
            elif key not in sound:
                yield from _misspelt(each, key, sound)
                yield from _account(each, key, text)


def _judged(
    each: Written, key: str, text: str, wanted: tuple[_Is, str, str]
) -> Iterator[Violation]:
    is_sound, expected, reason = wanted
    if not is_sound(text):
        shown = short(text) if "\n" not in text else "another text"
        message = f"found {key}: {shown}, expected {expected}"
        yield each.violation("data", key, message=message, remedy=f"mend it: {reason}")


def _misspelt(each: Written, key: str, sound: _Sound) -> Iterator[Violation]:
    near = difflib.get_close_matches(key.casefold(), [k.casefold() for k in sound], 1, _NEAR)
    if near and key not in _ALSO:
        known = next(k for k in sound if k.casefold() == near[0])
        message = f"found the key {short(key)}, expected {known}"
        yield each.violation_at_key("data", key, message=message, remedy=f"write {known}")


def _account(each: Written, key: str, text: object) -> Iterator[Violation]:
    """An account with a password of its own, beside single sign-on."""
    if not key.startswith("accounts.") or not isinstance(text, str) or key.endswith(".enabled"):
        return
    if "login" in [part.strip() for part in text.split(",")]:
        message = f"found {key}: {short(text)}, expected apiKey alone"
        remedy = "let people come by single sign-on: a password is nobody's"
        yield each.violation("data", key, message=message, remedy=remedy)


def _is_broken(line: str) -> bool:
    """Whether Argo CD would not load a line of a policy."""
    fields = [field.strip() for field in line.split(",")]
    if not line.strip() or line.lstrip().startswith("#"):
        return False
    wanted = _FIELDS.get(fields[0])
    return wanted != len(fields) or (fields[0] == "p" and fields[-1] not in _EFFECTS)
