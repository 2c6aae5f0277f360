"""What everybody is denied in Argo CD, no role allows again.

## What it does
Reads the ConfigMap `argocd-rbac-cm` and the roles of projects, as far as people write them. What
`policy.default` denies there, no line of another subject may allow, with a pattern or without, and
no one may get Argo CD's own `role:admin`, which allows everything.

## Why
Argo CD asks the default role, then the person, then each group, and the first that allows decides:
a denial holds for the subject that it is written for, and for nobody else. Whoever may `override`
applies what no commit has; whoever may `exec` enters a pod.

## Bad
```csv
p, role:authenticated, applications, override, */*, deny
p, role:on-call, applications, *, */*, allow
```

## Good
```csv
p, role:authenticated, applications, override, */*, deny
p, role:on-call, applications, sync, */*, allow
```
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from modelctl.finding import Level, Pointer, Scope, Violation
from modelctl.render.loose import mappings, value
from modelctl.repo.documents import Document
from modelctl.repo.layout import Kind, place
from modelctl.repo.repository import Files, Repository

ID = "denied-to-all"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_ADMINISTRATOR = "role:admin"
_FIELDS = 6  # of a policy: p, subject, resource, action, object, effect
_MEMBERSHIP = 3  # g, subject, role


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a policy, and where it stands."""

    document: Document
    at: Pointer
    fields: tuple[str, ...]

    @property
    def text(self) -> str:
        return ", ".join(self.fields)

    def violation(self, expected: str, remedy: str) -> Violation:
        message = f"found `{self.text}`, expected {expected}"
        return Violation(self.document.path, self.document.at(*self.at), message, remedy)


def check(files: Files) -> Iterator[Violation]:
    """One finding for each line that allows what is denied to all."""
    if not isinstance(files, Repository):
        return
    written = [each for path, each in files.documents.items() if place(path).kind is Kind.PLATFORM]
    lines = [line for document in written for line in _lines(document)]
    default = {str(value(each.value, "data", "policy.default")) for each in written}
    rules = [line for line in lines if line.fields[0] == "p" and len(line.fields) == _FIELDS]
    denied = [rule for rule in rules if rule.fields[1] in default and rule.fields[-1] == "deny"]
    for rule in rules:
        again = [each for each in denied if rule.fields[-1] == "allow" and _overlap(rule, each)]
        if again:
            expected = f"none that allows what `{again[0].text}` denies to all"
            yield rule.violation(expected, "name the actions that the role needs")
    for line in lines:
        is_membership = line.fields[0] == "g" and len(line.fields) == _MEMBERSHIP
        if denied and is_membership and line.fields[-1] == _ADMINISTRATOR:
            yield line.violation(f"nobody to have {_ADMINISTRATOR}", "give a role of your own")


def _lines(document: Document) -> Iterator[_Line]:
    """The lines of a ConfigMap of Argo CD's rights, and of a project's roles."""
    data = value(document.value, "data")
    if isinstance(data, dict) and value(document.value, "metadata", "name") == "argocd-rbac-cm":
        for key, text in data.items():
            if key.startswith("policy.") and key.endswith("csv") and isinstance(text, str):
                yield from _read(document, ("data", key), text.splitlines())
    for index, role in enumerate(mappings(document.value, "spec", "roles")):
        policies = role.get("policies")
        for number, text in enumerate(policies if isinstance(policies, list) else ()):
            at = ("spec", "roles", index, "policies", number)
            yield from _read(document, at, [str(text)])


def _read(document: Document, at: Pointer, lines: Iterable[str]) -> Iterator[_Line]:
    for line in lines:
        fields = tuple(field.strip().strip('"') for field in line.split(","))
        if fields[0] in ("p", "g"):
            yield _Line(document, at, fields)


def _overlap(one: _Line, other: _Line) -> bool:
    """Whether some request is met by resource, action and object of both."""
    pairs = zip(one.fields[2:5], other.fields[2:5], strict=True)
    return all(_meet(left, right) for left, right in pairs)


def _meet(one: str, other: str) -> bool:
    """Whether some text is matched by both patterns, in which `*` stands for any text.

    Each row says which beginnings of `other` meet the beginning of `one` so far.
    """
    row = [other[:end].strip("*") == "" for end in range(len(other) + 1)]
    for left in one:
        above, row = row, [left == "*" and row[0]]
        for end, right in enumerate(other, start=1):
            either = above[end] or row[end - 1]
            stars = (left == "*" or right == "*") and either
            row.append(stars or (left == right and above[end - 1]))
    return row[-1]
