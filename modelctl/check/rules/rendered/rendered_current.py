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

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from modelctl.check.difference import differs_in_line_ends_only, first_difference
from modelctl.finding import START, Level, Scope, Violation
from modelctl.render import drift
from modelctl.render.origin import typed_source
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles

ID = "rendered-current"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL

_REMEDY = "run `modelctl render`"
_REMEDY_FOR_LINE_ENDS = (
    "git's core.autocrlf or an editor put them there: "
    "run `git config core.autocrlf false`, then `modelctl render`"
)
_SHOWN_FILES = 3  # of a model in an environment; one command mends all of them


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each generated file that is missing or differs, at its first difference.

    Of a model in an environment only the first few: the rest is counted, one command mends all.
    """
    stale: dict[layout.Pair | None, list[str]] = defaultdict(list)
    for path in drift.stale(files):
        stale[layout.place(path).pair].append(path)
    for paths in stale.values():
        shown = [_finding(files, path) for path in paths[:_SHOWN_FILES]]
        more = len(paths) - len(shown)
        if more:
            others = "1 more file" if more == 1 else f"{more} more files"
            message = f"{shown[-1].message}, and {others} of this model"
            shown[-1] = replace(shown[-1], message=message)
        yield from shown


def _finding(files: ModelFiles, path: str) -> Violation:
    found = files.generated.get(path)
    if found is None:
        message = f"found no such file, expected what {typed_source(files, path)} gives"
        return Violation(path, START, message, _REMEDY)
    expected = drift.expected(files)[path]
    difference = first_difference(found, expected)
    if differs_in_line_ends_only(found, expected):
        message = "found carriage returns where lines end, expected line feeds alone"
        return Violation(path, difference.position, message, _REMEDY_FOR_LINE_ENDS)
    source = typed_source(files, path, difference.position.line - 1)
    message = f"found {difference.found}, expected {difference.expected} as {source} gives"
    return Violation(path, difference.position, message, _REMEDY)
