"""A change that restarts pods says how many, and where.

## What it does
Compares the pod template of each Deployment that was rendered before the change and still is.
Warns, once for each file that they follow from, of how many Deployments restart their pods, in
which environments. A release that was edited is `release-immutable`'s to refuse.

## Why
What an environment says, such as its mirrors, its stores or its pull secrets, is in every pod, and
so is what its template gives. A line then replaces every server at once: nothing is warm, caches
are empty, a GPU release with one replica is away meanwhile. What `model.yaml` says is in no pod.

## Bad
```yaml
# argocd/environments.yaml, with releases in prod that are read from models.example.com
artifact_mirrors: {"https://models.example.com/": "https://near.example.com/"}
```

## Good
```yaml
# apps/churn/model.yaml, which said latency_p99_ms: 50 before: no pod has that
service_level: {latency_p99_ms: 20, error_rate: 0.001, peak_rps: 200}
```
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from modelctl.check.change import ModelChange
from modelctl.check.fields import differing
from modelctl.check.rules.change.release_immutable import edits, is_refused
from modelctl.finding import START, Level, Position, Scope, Violation
from modelctl.render import applied
from modelctl.repo import layout
from modelctl.repo.layout import place
from modelctl.repo.repository import Repository

ID = "restart-impact"
LEVEL = Level.WARNING
SCOPE = Scope.CHANGE


def check(change: ModelChange) -> Iterator[Violation]:
    """One warning for each file whose change restarts pods."""
    restarts: dict[tuple[str, Position], Counter[str]] = defaultdict(Counter)
    for path in _restarting(change):
        cause = _cause(change, path)
        if cause is not None:
            restarts[cause][place(path).environment] += 1
    for (path, position), by_environment in restarts.items():
        total = sum(by_environment.values())
        where = ", ".join(f"{count} in {name}" for name, count in by_environment.items())
        what = f"{total} Deployment{'s' * (total > 1)} of {change.folder}"
        message = f"found a change of what pods start with, which restarts {what} at once: {where}"
        remedy = "leave it out, or merge it when all of these pods may be replaced"
        yield Violation(path, position, message, remedy)


def _restarting(change: ModelChange) -> Iterator[str]:
    """The Deployments whose pods are replaced, in promotion order."""
    order = [environment.name for environment in change.after.environments.ordered]
    found = [
        path
        for path, before in change.before.generated.items()
        if applied.is_deployment(path)
        and (after := change.after.generated.get(path)) is not None
        and before != after
        and applied.pods(before) != applied.pods(after)
    ]
    names = [*order, *(place(path).environment for path in found)]
    yield from sorted(found, key=lambda path: (names.index(place(path).environment), path))


def _cause(change: ModelChange, path: str) -> tuple[str, Position] | None:
    """The typed value that a new template follows from; None where that value is refused.

    Where no typed value is another, the renderer is.
    """
    release = place(path).release
    if edited := edits(change, release):
        typed = layout.release_file(change.folder, release)
        place_of_edit = change.after.documents[typed].at(*edited[0])
        return None if is_refused(change, release) else (typed, place_of_edit)
    return _in_environment(change, path) or (path, START)


def _in_environment(change: ModelChange, path: str) -> tuple[str, Position] | None:
    """What an environment first says that it did not say before."""
    name = place(path).environment
    entries = [_entry(files.repository, name) for files in (change.before, change.after)]
    at, document = ("environments", entries[1][0]), layout.ENVIRONMENTS
    changed = next(differing(entries[0][1], entries[1][1], at), None)
    if changed is None or entries[1][1] is None:
        return None
    return document, change.after.repository.documents[document].at(*changed)


def _entry(repository: Repository, name: str) -> tuple[int, Any]:
    """Index and fields of an environment in its list; nothing where the list has a fault."""
    document = repository.documents.get(layout.ENVIRONMENTS)
    names = [environment.name for environment in repository.environments.ordered]
    if document is None or name not in names:
        return 0, None
    listed: Any = document.value
    return names.index(name), listed["environments"][names.index(name)]
