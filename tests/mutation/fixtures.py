"""What rules find in their fixtures, rule by rule: each loaded once for thousands of mutants."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache, cached_property

from modelctl.check.change import FleetChange, ModelChange
from modelctl.check.engine import check_model, errors
from modelctl.check.packing import Fleet, pods_of
from modelctl.check.rules import Rule
from modelctl.finding import Scope, Violation
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles, Repository
from tests.fixture_trees import BASE, BEFORE, RULES_TESTS, MemoryChange, case_tree, memory_change

Found = tuple[tuple[str, object, str, str], ...]
_FOLDERS = sorted(path for path in RULES_TESTS.glob("*/*/*/") if BASE not in path.parents)
_NAMES = tuple(f"{path.relative_to(RULES_TESTS).as_posix()}/" for path in _FOLDERS)


@dataclass(frozen=True)
class Case:
    """One fixture: a repository, and its change where it has one."""

    repository: Repository
    change: MemoryChange | None

    @cached_property
    def models(self) -> tuple[ModelFiles, ...]:
        """Every model, before or after."""
        touched = self.change.folders if self.change else frozenset()
        folders = sorted({*self.repository.folders, *touched})
        return tuple(self.repository.model(folder) for folder in folders)

    @cached_property
    def changes(self) -> tuple[ModelChange, ...]:
        """Every model that changes."""
        of = self.change
        if of is None:
            return ()
        touched = (files for files in self.models if files.folder in of.folders)
        return tuple(
            ModelChange(of, of.before.model(files.folder), files, _refused) for files in touched
        )

    @cached_property
    def fleet(self) -> Fleet:
        """The pods of all models."""
        return Fleet(self.repository, [pod for files in self.models for pod in pods_of(files)])


def cases(rule: Rule, *, only_own: bool = False) -> tuple[Case, ...]:
    """Every fixture, the rule's own ones first, or these alone."""
    own = [name for name in _NAMES if f"/{rule.ID}/" in name]
    others = [] if only_own else [name for name in _NAMES if name not in own]
    return tuple(map(_case, [*own, *others]))


def found(rule: Rule, case: Case) -> Found:
    """What a rule finds in a fixture."""
    violations = [each for value in _given(rule.SCOPE, case) for each in rule.check(value)]
    return tuple(sorted(map(_comparable, violations)))


def _given(scope: Scope, case: Case) -> Iterator[object]:
    """Everything that a rule of a scope is given, as the engine does."""
    if scope is Scope.FILES:
        yield case.repository
    if scope in (Scope.FILES, Scope.MODEL):
        yield from case.models
    elif scope is Scope.CHANGE:
        yield from case.changes
    elif scope is Scope.PLACING:
        yield case.fleet
    elif case.change is not None:
        yield FleetChange(case.change, case.change.before, case.repository)


def _comparable(violation: Violation) -> tuple[str, object, str, str]:
    return violation.path, violation.position, violation.message, violation.remedy


def _refused(files: ModelFiles) -> Collection[str]:
    return frozenset(finding.path for finding in errors(check_model(files)))


@cache
def _case(name: str) -> Case:
    folder = RULES_TESTS / name
    tree, earlier = case_tree(folder), folder / BEFORE
    change = memory_change(case_tree(earlier), tree) if earlier.is_dir() else None
    return Case(load(tree), change)
