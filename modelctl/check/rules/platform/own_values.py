"""An environment that Argo CD syncs has no sample value left in it.

## What it does
Warns of host names of the domains that are reserved for examples (`example.com`, `example.org`,
`example.net` and `.example`) in `argocd/environments.yaml`: in the repository's address, and in
each environment with `engine: argocd`.

## Why
A repository begins with samples, and a sample looks like a value: Argo CD reads a repository that
is not there, a route waits for a name that nobody calls. A repository that is itself a sample, such
as the one that this rule comes from, has these warnings for as long as it is one.

## Bad
```yaml
repository: {url: "https://git.example.com/platform/models.git", revision: refs/heads/main}
```

## Good
```yaml
repository: {url: "https://git.acme.io/platform/models.git", revision: refs/heads/main}
```
"""

import re
from collections.abc import Iterator

from modelctl.finding import Level, Pointer, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.repository import Files, Repository

ID = "own-values"
LEVEL = Level.WARNING
SCOPE = Scope.FILES

_SAMPLE = re.compile(r"(?<![-\w])(?:[-\w]+\.)*(?:example\.(?:com|org|net)|[-\w]+\.example)\b")


def check(files: Files) -> Iterator[Violation]:
    """One finding for the address and one for each environment, at the first such value."""
    if not isinstance(files, Repository) or not files.environments.ordered:
        return
    synced = {i for i, each in enumerate(files.environments.ordered) if each.engine == "argocd"}
    if not synced:
        return
    document = files.documents[layout.ENVIRONMENTS]
    samples: dict[Pointer, list[tuple[Pointer, str]]] = {}
    for at, text in _texts(document.value):
        found = _SAMPLE.search(text)
        if found and (at[0] == "repository" or at[1] in synced):
            samples.setdefault(at[:2], []).append((at, found[0]))
    for (at, host), *others in samples.values():
        more = f" and {len(others)} more" if others else ""
        message = f"found the sample {host}{more}, expected host names of your own"
        remedy = "write the names that are used there, or set engine: local"
        yield Violation(layout.ENVIRONMENTS, document.at(*at), message, remedy)


def _texts(value: object, at: Pointer = ()) -> Iterator[tuple[Pointer, str]]:
    """Every text in a value, with its place."""
    if isinstance(value, str):
        yield at, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*at, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, (*at, index))
