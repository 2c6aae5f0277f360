"""Runs the rules over a repository: sorted findings, and which of them refuse it."""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime
from fractions import Fraction

from modelctl.check import waivers
from modelctl.check.change import Change, FleetChange, ModelChange
from modelctl.check.packing import Fleet, Pod, add_asked, pods_of
from modelctl.check.rules import RULES, Rule
from modelctl.check.rules.form import waiver_needed
from modelctl.finding import Finding, Level, Scope
from modelctl.repo.loading import load
from modelctl.repo.repository import Files, ModelFiles, Repository
from modelctl.repo.tree import Tree

_OF_SHARED = tuple(rule for rule in RULES if rule.SCOPE is Scope.FILES)
_OF_A_CHANGE = tuple(rule for rule in RULES if rule.SCOPE is Scope.CHANGE)
_OF_THE_FLEET = tuple(rule for rule in RULES if rule.SCOPE is Scope.FLEET)
_OF_PODS = tuple(rule for rule in RULES if rule.SCOPE is Scope.PLACING)
_COMPARING = frozenset(rule.ID for rule in (*_OF_A_CHANGE, *_OF_THE_FLEET))
_KNOWN = frozenset(rule.ID for rule in RULES)
_OF_A_MODEL = tuple(rule for rule in RULES if rule.SCOPE in (Scope.FILES, Scope.MODEL))


def check(
    repository: Repository,
    only: Collection[str] | None = None,
    change: Change | None = None,
    today: date | None = None,
) -> list[Finding]:
    """Every finding, each once, sorted: of what models share, and of all models, or of `only` some.

    With a `change` the rules that compare run too, and what a return excuses is a note. One model
    is in memory at a time. Waivers count as of `today`.
    """
    touched = change.folders if change else frozenset()
    found = {*_found(_OF_SHARED, repository)}
    given = [*waivers.waivers(repository, _KNOWN)]
    pods: list[Pod] = []
    asked: dict[tuple[str, str], dict[str, Fraction]] = {}
    for folder in sorted({*repository.folders, *touched} if only is None else only):
        files = repository.model(folder)
        found.update(_found(_OF_A_MODEL, files))
        given += waivers.waivers(files, _KNOWN)
        pods += pods_of(files)
        add_asked(asked, files)
        if change and folder in touched:
            found.update(check_change(change, files))
    if only is None:
        found.update(_found(_OF_PODS, Fleet(repository, pods, asked)))
    if change is not None:
        found.update(_found(_OF_THE_FLEET, FleetChange(change, change.before, repository)))
    if given:
        day = today or (change.now if change else datetime.now(UTC)).date()
        found = {*waivers.applied(found, given, day, waiver_needed.LEVEL)}
    if change is None or not errors(found):
        return sorted(found)
    return change.excused(found, _COMPARING)


def check_shared(repository: Repository) -> Iterator[Finding]:
    """The findings of what models share, after its waivers."""
    given = [*waivers.waivers(repository, _KNOWN)]
    return waivers.waived(_found(_OF_SHARED, repository), given)


def check_model(files: ModelFiles) -> Iterator[Finding]:
    """The findings of one model, after its waivers; no model ends because a day has passed."""
    return waivers.waived(_found(_OF_A_MODEL, files), [*waivers.waivers(files, _KNOWN)])


def check_change(change: Change, files: ModelFiles) -> Iterator[Finding]:
    """The findings of what a change does to one model."""
    before = change.before.model(files.folder)
    return _found(_OF_A_CHANGE, ModelChange(change, before, files, _refused))


def check_tree(tree: Tree) -> list[Finding]:
    """Every finding in the repository that a tree holds, sorted."""
    return check(load(tree))


def unasked() -> tuple[str, ...]:
    """The rules that are not asked where there is nothing to compare with."""
    return tuple(rule.ID for rule in RULES if rule.ID in _COMPARING)


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that refuse a change; warnings and notes left out."""
    return [finding for finding in findings if finding.level is Level.ERROR]


def _refused(files: ModelFiles) -> frozenset[str]:
    return frozenset(finding.path for finding in errors(check_model(files)))


def _found(
    rules: Iterable[Rule], files: Files | ModelChange | FleetChange | Fleet
) -> Iterator[Finding]:
    for rule in rules:
        for at in rule.check(files):
            yield Finding(at.path, at.position, rule.ID, at.message, at.remedy, rule.LEVEL)
