"""Names leave room for everything that Kubernetes appends to them.

## What it does
Holds a model's name to 38 characters, a team's to 40 (its namespace is `models-<team>`), an
environment's to 20, and `<model>-<release>` to 46.

## Why
A pod is named `<model>-<release>-<10 characters>-<5 characters>`; past 63 its host name is cut and
labels and Services that carry the name are refused, after the merge.

## Bad
```yaml
name: customer-churn-probability-within-ninety-days
```

## Good
```yaml
name: customer-churn-90d
```
"""

from collections.abc import Iterator

from modelctl.finding import START, Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.repository import Files, ModelFiles

ID = "name-budget"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

# A label value has 63 characters; a Deployment's pods add 17 to its name.
_MAX_DEPLOYMENT_NAME = 63 - len("-0123456789-01234")


def check(files: Files) -> Iterator[Violation]:
    """One finding for each name that is too long."""
    yield from files.faults_of(ID)
    if isinstance(files, ModelFiles) and files.model is not None:
        yield from _long_releases(files, files.model.name)


def _long_releases(files: ModelFiles, model: str) -> Iterator[Violation]:
    for release in files.releases:
        name = f"{model}-{release}"
        if len(name) > _MAX_DEPLOYMENT_NAME:
            path = layout.release_file(files.folder, release)
            message = f"found the name {name} of {len(name)} characters, expected at most 46"
            remedy = "shorten the model's name, or number its releases from r1"
            yield Violation(path, START, message, remedy)
