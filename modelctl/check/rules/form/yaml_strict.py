"""A file means one thing to every YAML reader.

## What it does
Refuses duplicate keys, anchors and aliases, tags, directives, merge keys, several documents, plain
scalars that some reader takes for a boolean, an octal number, a time or a date, characters that end
a line for some readers only (a carriage return without a line feed, U+2028), tabs for indentation,
control and invisible characters, bytes that are not UTF-8, nesting past 32 levels, files past 1 MiB
or 50,000 values, symbolic links and special files.

## Why
With a duplicate key the last one silently wins; `on` is true to one reader and text to the next.
The weight that was reviewed must be the weight that is applied.

## Bad
```yaml
weights: {r1: 95, r2: 5, r2: 50}
paused: no
```

## Good
```yaml
weights: {r1: 95, r2: 5}
paused: false
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import Files

ID = "yaml-strict"
LEVEL = Level.ERROR
SCOPE = Scope.FILES


def check(files: Files) -> Iterator[Violation]:
    """The faults of form that loading found under this rule."""
    return files.faults_of(ID)
