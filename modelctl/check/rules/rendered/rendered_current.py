"""What is rendered is what the typed files say.

## What it does
Renders every model, and what is rendered for all of them, in memory and compares it, byte for
byte, with `apps/<model>/rendered/` and, below `argocd/`, with `applications/`, `bootstrap/`,
`projects/`, `config/<environment>/` and the rendered folders of `platform/<environment>/`.

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
from collections.abc import Callable, Iterator
from dataclasses import replace

from modelctl.check.difference import differs_in_line_ends_only, first_difference
from modelctl.finding import START, Level, Scope, Violation
from modelctl.render import drift
from modelctl.render.origin import typed_source
from modelctl.render.shared import typed_file
from modelctl.repo import layout
from modelctl.repo.repository import Files, ModelFiles, Repository

ID = "rendered-current"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_REMEDY = "run `modelctl render`"
_REMEDY_FOR_LINE_ENDS = (
    "git's core.autocrlf or an editor put them there: "
    "run `git config core.autocrlf false`, then `modelctl render`"
)
_SourceOf = Callable[..., str]  # where a line of a file comes from, counted from 0; or all of it
_SHOWN_FILES = 3  # of a model in an environment; one command mends all of them


def check(files: Files) -> Iterator[Violation]:
    """One finding for each generated file that is missing or differs, at its first difference.

    Of a model, or of all models, in an environment only the first few: the rest is counted, one
    command mends all.
    """
    if isinstance(files, ModelFiles):
        yield from _of_model(files)
    elif isinstance(files, Repository):
        yield from _of_all_models(files)


def _of_model(files: ModelFiles) -> Iterator[Violation]:
    stale: dict[layout.Pair | None, list[str]] = defaultdict(list)
    for path in drift.stale(files):
        stale[layout.place(path).pair].append(path)
    for paths in stale.values():
        shown = [
            _finding(
                path,
                files.generated.get(path),
                drift.expected(files)[path],
                lambda number=None, path=path: typed_source(files, path, number),
            )
            for path in paths[:_SHOWN_FILES]
        ]
        yield from _counted(shown, len(paths), "model")
    for path, expected in drift.stale_projects(files).items():
        found = files.repository.generated.get(path)
        owner = layout.model_file(files.folder)
        yield _finding(path, found, expected, lambda _=None, owner=owner: owner)


def _of_all_models(repository: Repository) -> Iterator[Violation]:
    stale: dict[str, list[str]] = defaultdict(list)
    for path, content in drift.shared_changes(repository).items():
        if content is not None:
            stale[layout.place(path).environment].append(path)
    for paths in stale.values():
        expected = drift.expected_shared(repository)
        shown = [
            _finding(
                path,
                repository.generated.get(path),
                expected[path],
                lambda _=None, path=path: typed_file(path),
            )
            for path in paths[:_SHOWN_FILES]
        ]
        yield from _counted(shown, len(paths), "environment")


def _counted(shown: list[Violation], count: int, of_what: str) -> list[Violation]:
    """The findings that are shown, the last of them with the number of the others."""
    more = count - len(shown)
    if more:
        others = "1 more file" if more == 1 else f"{more} more files"
        message = f"{shown[-1].message}, and {others} of this {of_what}"
        shown[-1] = replace(shown[-1], message=message)
    return shown


def _finding(path: str, found: bytes | None, expected: bytes, source_of: _SourceOf) -> Violation:
    if found is None:
        message = f"found no such file, expected what {source_of()} gives"
        return Violation(path, START, message, _REMEDY)
    difference = first_difference(found, expected)
    if differs_in_line_ends_only(found, expected):
        message = "found carriage returns where lines end, expected line feeds alone"
        return Violation(path, difference.position, message, _REMEDY_FOR_LINE_ENDS)
    source = source_of(difference.position.line - 1)
    message = f"found {difference.found}, expected {difference.expected} as {source} gives"
    return Violation(path, difference.position, message, _REMEDY)
