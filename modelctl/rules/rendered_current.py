"""What is rendered is what the typed files say.

## What it does
Renders every model in memory and compares it, byte for byte, with `apps/<model>/rendered/` and
`argocd/applications/`.

## Why
Argo CD applies what is rendered, people review what is typed. Where the two differ, the review was
of something else.

## Bad
```yaml
# apps/churn/envs/prod.yaml says weights: {r1: 95, r2: 5}; rendered/prod/httproute-churn.yaml:
- name: churn-r2
  weight: 50
```

## Good
```yaml
# after `modelctl render`
- name: churn-r2
  weight: 5
```
"""

from collections.abc import Iterator

from modelctl import drift
from modelctl.finding import START, Finding, Level, Position
from modelctl.provenance import typed_source
from modelctl.repository import Repository

ID = "rendered-current"
LEVEL = Level.ERROR

_REMEDY = "run `modelctl render`"
_SHOWN_CHARACTERS = 60


def check(repository: Repository) -> Iterator[Finding]:
    """One finding for each generated file that is missing or differs, at its first difference."""
    for path in drift.stale(repository):
        expected = drift.expected(repository)[path]
        found = repository.generated.get(path)
        if found is None:
            source = typed_source(repository, path, "")
            message = f"found no such file, expected what {source} gives"
            yield Finding(path, START, ID, message, _REMEDY, LEVEL)
        else:
            yield _difference(repository, path, found, expected)


def _difference(repository: Repository, path: str, found: bytes, expected: bytes) -> Finding:
    lines = [
        content.decode(errors="replace").splitlines(keepends=True) for content in (found, expected)
    ]
    same = _common(*lines)
    old, new = (side[same] if same < len(side) else "" for side in lines)
    place = Position(same + 1, _common(old, new) + 1)
    source = typed_source(repository, path, new)
    message = f"found {_shown(old)}, expected {_shown(new)} as {source} gives"
    return Finding(path, place, ID, message, _REMEDY, LEVEL)


def _common(left: list[str] | str, right: list[str] | str) -> int:
    pairs = enumerate(zip(left, right, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(left), len(right)))


def _shown(line: str) -> str:
    if not line:
        return "the end of the file"
    text = line.strip() or "an empty line"
    if line.strip() and not line.endswith("\n"):
        text += " without a line break"
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
