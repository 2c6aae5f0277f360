"""Nothing is left of what is not served any more.

## What it does
Refuses files below `apps/<model>/rendered/` and, below `argocd/`, among the generated ones
(`applications/`, `bootstrap/`, `projects/`, `config/<environment>/` and the rendered folders of
`platform/<environment>/`) that no typed file gives.
Where a typed file is there but faulty, what was rendered from it is left alone.

## Why
Argo CD applies whatever is there: a retired release keeps its pods and GPUs, a removed model keeps
its Application.

## Bad
```
apps/churn/envs/prod.yaml                            weights: {r2: 100}
apps/churn/rendered/prod/deployment-churn-r1.yaml
apps/churn/rendered/prod/deployment-churn-r2.yaml
```

## Good
```
apps/churn/envs/prod.yaml                            weights: {r2: 100}
apps/churn/rendered/prod/deployment-churn-r2.yaml
```
"""

from collections import defaultdict
from collections.abc import Iterator

from modelctl.finding import START, Level, Scope, Violation
from modelctl.render import drift
from modelctl.repo import layout
from modelctl.repo.repository import Files, ModelFiles, Repository

ID = "rendered-orphan"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_REMEDY = "run `modelctl render`, which removes it"
_REMEDY_FOR_SEVERAL = "run `modelctl render`, which removes them"


def check(files: Files) -> Iterator[Violation]:
    """One finding for each orphan; one for all files of a model that is not served any more."""
    if isinstance(files, ModelFiles):
        yield from _of_model(files)
    elif isinstance(files, Repository):
        for path, content in drift.shared_changes(files).items():
            if content is None:
                message = "found a file that nothing generates, expected none"
                yield Violation(path, START, message, _REMEDY)


def _of_model(files: ModelFiles) -> Iterator[Violation]:
    rendered = drift.expected_pairs(files)
    gone: dict[layout.Pair, list[str]] = defaultdict(list)
    for path in drift.orphans(files):
        pair = layout.place(path).pair
        if pair is None or pair in rendered:
            message = "found a file that nothing generates, expected none"
            yield Violation(path, START, message, _REMEDY)
        else:
            gone[pair].append(path)
    for pair, paths in gone.items():
        wanted = layout.serving_file(*pair)
        others = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        message = f"found this file{others} without {wanted}, expected nothing to be rendered"
        remedy = _REMEDY_FOR_SEVERAL if others else _REMEDY
        yield Violation(min(paths), START, message, remedy)
