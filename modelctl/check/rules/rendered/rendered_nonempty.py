"""Every model that an environment serves is rendered there.

## What it does
Refuses a serving file of a model whose `rendered/<environment>/` has no file at all. Single
files that are missing belong to rendered-current.

## Why
Argo CD refuses to sync an empty folder, or prunes everything that runs: the model is not served, or
not any more.

## Bad
```
apps/churn/envs/prod.yaml
```

## Good
```
apps/churn/envs/prod.yaml
apps/churn/rendered/prod/httproute-churn.yaml
…
```
"""

from collections.abc import Iterator

from modelctl.finding import START, Level, Scope, Violation
from modelctl.render import drift
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles

ID = "rendered-nonempty"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each serving file that nothing was rendered from."""
    for pair in drift.never_rendered(files):
        folder = layout.rendered_folder(*pair)
        message = f"found no file in {folder}, expected what this file gives"
        path = layout.serving_file(*pair)
        yield Violation(path, START, message, "run `modelctl render`")
