"""A file has the fields of its kind, with values of their types, and no others.

## What it does
Checks `model.yaml`, release files, serving files and `argocd/environments.yaml` against the
JSON Schemas in `schemas/`. Fields that no schema knows are refused, and a near name is proposed.

## Why
A misspelt field is a field that is missing: a limit that nobody set, a weight that nobody applied.
`schemas/README.md` lists every field.

## Bad
```yaml
stable: r1
wieghts: {r1: 100}
```

## Good
```yaml
stable: r1
weights: {r1: 100}
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import Files

ID = "schema-valid"
LEVEL = Level.ERROR
SCOPE = Scope.FILES


def check(files: Files) -> Iterator[Violation]:
    """The faults of form that loading found under this rule."""
    return files.faults_of(ID)
