"""A change that restarts pods says how many, and where.

## What it does
Compares the pod template of each Deployment that was rendered before the change and still is.
Warns, once for each file that they follow from, of how many Deployments restart their pods, in
which environments. What another rule refuses, an edited release or a contract that fails callers,
is told by that one alone.

## Why
Fields that all releases of all environments share, such as `latency_p99_ms`, the contract or an
environment's mirrors, are in every pod. What looks like a note for people then replaces every
server at once: nothing is warm, caches are empty, a GPU release with one replica is away meanwhile.

## Bad
```yaml
# apps/churn/model.yaml, served in staging and prod, which said latency_p99_ms: 50 before
service_level: {latency_p99_ms: 20000, error_rate: 0.001, peak_rps: 200}
```

## Good
```yaml
# apps/churn/model.yaml, which said error_rate: 0.01 before: no pod has that
service_level: {latency_p99_ms: 50, error_rate: 0.001, peak_rps: 200}
```
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

from modelctl.check.change import ModelChange
from modelctl.check.fields import differing
from modelctl.check.rules.change import contract_change_compatible
from modelctl.check.rules.change.release_immutable import edits, is_refused
from modelctl.finding import START, Level, Position, Scope, Violation
from modelctl.render import applied, generated
from modelctl.repo import layout
from modelctl.repo.kinds import Model
from modelctl.repo.layout import place
from modelctl.repo.repository import ModelFiles, Repository

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
    if any(contract_change_compatible.check(change)):
        return None
    return _in_model(change, path) or _in_environment(change, path) or (path, START)


def _in_model(change: ModelChange, path: str) -> tuple[str, Position] | None:
    """The changed field of the model without whose change the pods would be others."""
    before, after = change.before.model, change.after.model
    if before is None or after is None:
        return None
    for field in fields(Model):
        old = getattr(before, field.name)
        if old == getattr(after, field.name):
            continue
        kept = _rendered(change.after, replace(after, **{field.name: old}))
        pods = applied.pods(kept.get(path, "").encode())
        if pods != applied.pods(change.after.generated[path]):
            typed = layout.model_file(change.folder)
            was, now = change.before.documents[typed], change.after.documents[typed]
            changed = (at for at in differing(was.value, now.value) if at[0] == field.name)
            return typed, now.at(*next(changed))
    return None


@lru_cache(maxsize=4)  # one for each changed field, whatever the number of Deployments
def _rendered(files: ModelFiles, model: Model) -> Mapping[str, str]:
    return generated(replace(files, model=model))


def _in_environment(change: ModelChange, path: str) -> tuple[str, Position] | None:
    """What an environment first says that it did not say before."""
    name = place(path).environment
    entries = [_entry(files.repository, name) for files in (change.before, change.after)]
    at, document = ("environments", entries[1][0]), layout.ENVIRONMENTS
    changed = next(differing(entries[0][1], entries[1][1], at), None)
    if changed is None:
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
