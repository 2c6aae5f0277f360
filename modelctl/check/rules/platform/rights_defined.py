"""Roles of Argo CD that somebody is given are defined.

## What it does
Reads `argocd-rbac-cm` in `argocd/config/`: the role of `policy.default`, those that a `g` line
gives, and those of the groups in `argocd/environments.yaml` have at least one `p` line; `scopes`
has the claim that groups come in.

## Why
A role without a line allows nothing. Whoever is on call signs in, and can neither see nor sync what
is down.

## Bad
```yaml
policy.default: role:authentcated
policy.csv: |
  p, role:authenticated, applications, get, */*, allow
```

## Good
```yaml
policy.default: role:authenticated
policy.csv: |
  p, role:authenticated, applications, get, */*, allow
```
"""

from collections.abc import Iterator, Mapping

from modelctl.check.written import SETTINGS, Written, written
from modelctl.finding import Level, Scope, Violation
from modelctl.nearest import hint
from modelctl.render.loose import value
from modelctl.repo.kinds import ArgoCd
from modelctl.repo.repository import Files, Repository
from modelctl.repo.scalars import short

ID = "rights-defined"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_BUILT_IN = ("role:admin", "role:readonly")
_MEMBERSHIP = 3  # g, subject, role


def check(files: Files) -> Iterator[Violation]:
    """One finding for each role that has no line, and for a scope without groups."""
    for each in written(files):
        data = value(each.value, "data")
        if each.reader != SETTINGS or each.name != "argocd-rbac-cm":
            continue
        if isinstance(data, Mapping) and isinstance(files, Repository):
            defined = _subjects(data, "p", 1)
            yield from _default(each, data, defined)
            yield from _given(each, data, defined)
            yield from _of_environments(files, each, defined)
            yield from _scopes(each, data)


def _fields(text: object, kind: str) -> Iterator[list[str]]:
    for line in text.splitlines() if isinstance(text, str) else ():
        fields = [field.strip().strip('"') for field in line.split(",")]
        if fields[0] == kind and len(fields) >= _MEMBERSHIP:
            yield fields


def _policies(data: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key, text in data.items():
        if key.startswith("policy.") and key.endswith("csv"):
            yield key, text


def _subjects(data: Mapping[str, object], kind: str, at: int) -> list[str]:
    lines = (fields for _, text in _policies(data) for fields in _fields(text, kind))
    return [*dict.fromkeys(fields[at] for fields in lines)]


def _default(each: Written, data: Mapping[str, object], defined: list[str]) -> Iterator[Violation]:
    name = data.get("policy.default")
    if isinstance(name, str) and name and name not in (*defined, *_BUILT_IN):
        message = f"found {short(name)}, expected a role that a line of the policy defines"
        yield each.violation("data", "policy.default", message=message, remedy=hint(name, defined))


def _given(each: Written, data: Mapping[str, object], defined: list[str]) -> Iterator[Violation]:
    for key, text in _policies(data):
        for fields in _fields(text, "g"):
            role = fields[2]
            if role.startswith("role:") and role not in (*defined, *_BUILT_IN):
                message = f"found {short(role)} for {short(fields[1])}, expected a role with a line"
                yield each.violation("data", key, message=message, remedy=hint(role, defined))
                break


def _of_environments(files: Repository, each: Written, defined: list[str]) -> Iterator[Violation]:
    for environment in files.environments.ordered:
        settings = environment.argocd or ArgoCd()
        given = {"role:on-call": settings.on_call_groups, "role:platform": settings.platform_groups}
        for role, groups in given.items():
            if groups and defined and role not in defined:
                message = f"found no line of {role}, expected one: {groups[0]} has it in "
                message += environment.name
                at = ("data", "policy.csv")
                yield each.violation_at_key(*at, message=message, remedy="write what it may do")
                return


def _scopes(each: Written, data: Mapping[str, object]) -> Iterator[Violation]:
    scopes = data.get("scopes")
    if isinstance(scopes, str) and scopes and "groups" not in scopes:
        message = f"found the scopes {short(scopes)}, expected groups among them"
        remedy = 'write "[groups]": roles are given to groups'
        yield each.violation("data", "scopes", message=message, remedy=remedy)
