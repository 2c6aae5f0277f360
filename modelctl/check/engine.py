"""Runs the rules over a repository: sorted findings, and which of them refuse it."""

from collections.abc import Collection, Iterable, Iterator

from modelctl.check.change import Change, ModelChange
from modelctl.check.rules import RULES, Rule
from modelctl.finding import Finding, Level, Scope
from modelctl.repo.loading import load
from modelctl.repo.repository import Files, ModelFiles, Repository
from modelctl.repo.tree import Tree

_OF_SHARED = tuple(rule for rule in RULES if rule.SCOPE is Scope.FILES)
_OF_A_CHANGE = tuple(rule for rule in RULES if rule.SCOPE is Scope.CHANGE)
_OF_A_MODEL = tuple(rule for rule in RULES if rule.SCOPE in (Scope.FILES, Scope.MODEL))


def check(
    repository: Repository, only: Collection[str] | None = None, change: Change | None = None
) -> list[Finding]:
    """Every finding, each once, sorted: of what models share, and of all models, or of `only` some.

    With a `change` the rules of that scope run too, and what a return excuses is a note. One model
    is in memory at a time.
    """
    touched = change.folders if change else frozenset()
    found = {*check_shared(repository)}
    for folder in sorted({*repository.folders, *touched} if only is None else only):
        files = repository.model(folder)
        found.update(check_model(files))
        if change and folder in touched:
            found.update(check_change(change, files))
    return change.excused(found) if change and errors(found) else sorted(found)


def check_shared(repository: Repository) -> Iterator[Finding]:
    """The findings of what models share."""
    return _found(_OF_SHARED, repository)


def check_model(files: ModelFiles) -> Iterator[Finding]:
    """The findings of one model."""
    return _found(_OF_A_MODEL, files)


def check_change(change: Change, files: ModelFiles) -> Iterator[Finding]:
    """The findings of what a change does to one model."""
    before = change.before.model(files.folder)
    return _found(_OF_A_CHANGE, ModelChange(change, before, files, _refused))


def check_tree(tree: Tree) -> list[Finding]:
    """Every finding in the repository that a tree holds, sorted."""
    return check(load(tree))


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that refuse a change; warnings and notes left out."""
    return [finding for finding in findings if finding.level is Level.ERROR]


def _refused(files: ModelFiles) -> frozenset[str]:
    return frozenset(finding.path for finding in errors(check_model(files)))


def _found(rules: Iterable[Rule], files: Files | ModelChange) -> Iterator[Finding]:
    for rule in rules:
        for at in rule.check(files):
            yield Finding(at.path, at.position, rule.ID, at.message, at.remedy, rule.LEVEL)
