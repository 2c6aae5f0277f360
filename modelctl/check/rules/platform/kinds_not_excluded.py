"""Argo CD looks at every kind that is rendered.

## What it does
Reads `resource.exclusions` of the ConfigMap `argocd-cm` in `argocd/config/`, and refuses an entry
that covers a kind of models, projects or Applications.

## Why
A kind that is excluded is neither applied nor pruned nor compared: the Application shows Synced,
and the route of the model is the one of last month.

## Bad
```yaml
resource.exclusions: |
  - {apiGroups: ["gateway.networking.k8s.io"], kinds: ["*"], clusters: ["*"]}
```

## Good
```yaml
resource.exclusions: |
  - {apiGroups: [""], kinds: [Endpoints], clusters: ["*"]}
```
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from modelctl.check.written import GROUP, SETTINGS, Written, written
from modelctl.finding import Level, Scope, Violation
from modelctl.render.argocd.kinds import MODEL_KINDS, NAMESPACE_KINDS, PLATFORM_KINDS
from modelctl.render.loose import loaded, mappings, value
from modelctl.repo.repository import Files

ID = "kinds-not-excluded"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_OUR_OWN = ((GROUP, "Application"), (GROUP, "AppProject"), ("gateway.networking.k8s.io", "Gateway"))
_RENDERED = (*MODEL_KINDS, *_OUR_OWN, *NAMESPACE_KINDS, *PLATFORM_KINDS)
_KEY = "resource.exclusions"


def check(files: Files) -> Iterator[Violation]:
    """One finding for the list, at the first kind that it covers."""
    for each in written(files):
        text = value(each.value, "data", _KEY)
        if each.reader != SETTINGS or each.name != "argocd-cm" or not isinstance(text, str):
            continue
        covered = _covered(text)
        if covered is None:
            message = f"found {_KEY} that is no list, expected YAML with apiGroups and kinds"
            yield each.violation("data", _KEY, message=message, remedy="mend what is in the text")
        elif covered:
            yield _excluded(each, covered)


def _excluded(each: Written, covered: tuple[str, str]) -> Violation:
    group, kind = covered
    shown = f"{kind} of {group}" if group else kind
    message = f"found {_KEY} that covers {shown}, expected every kind that is rendered to be synced"
    remedy = "take it out: what is excluded is not applied, and shows as Synced"
    return each.violation("data", _KEY, message=message, remedy=remedy)


def _covered(text: str) -> tuple[str, str] | tuple[()] | None:
    """The first rendered kind that a list excludes; None where the list cannot be read."""
    found = {"list": loaded(text.encode())}
    if not isinstance(found["list"], list):
        return None if text.strip() else ()
    for entry in mappings(found, "list"):
        groups, kinds = entry.get("apiGroups"), entry.get("kinds")
        for group, kind in _RENDERED:
            if _meets(groups, group) and _meets(kinds, kind):
                return group, kind
    return ()


def _meets(patterns: object, text: str) -> bool:
    """Whether one of some patterns covers a text; none at all covers everything."""
    if not isinstance(patterns, list):
        return True
    return any(fnmatchcase(text, str(pattern)) for pattern in patterns)
