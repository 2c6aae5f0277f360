"""Fixtures of every module here: what a folder's repository, or its change, has for findings."""

from collections.abc import Callable

import pytest

from modelctl.check.engine import check
from modelctl.finding import Finding
from modelctl.repo.loading import load
from tests.fixture_trees import (
    BEFORE,
    RULES_TESTS,
    MemoryChange,
    MemoryTree,
    case_tree,
    memory_change,
)


@pytest.fixture(scope="session")
def checked() -> Callable[[str], list[Finding]]:
    """The findings of a fixture by its folder, of its change too where it is one."""

    def check_case(case: str) -> list[Finding]:
        tree, earlier = case_tree(RULES_TESTS / case), RULES_TESTS / case / BEFORE
        change = memory_change(case_tree(earlier), tree) if earlier.is_dir() else None
        return check(load(tree), change=change)

    return check_case


@pytest.fixture(scope="session")
def change_between() -> Callable[[MemoryTree, MemoryTree], MemoryChange]:
    """Makes the change from one tree to another."""
    return memory_change


@pytest.fixture(scope="session")
def fixture_tree() -> Callable[[str], MemoryTree]:
    """The tree of a fixture by its folder, such as `weights-sum-100/invalid`, or `base`."""
    return lambda case: case_tree(RULES_TESTS / case)
