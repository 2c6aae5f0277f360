"""Every rule by its fixtures: a folder is a test, and pins each finding of any rule."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from modelctl.check.engine import check_tree
from modelctl.check.rules import RULES, Rule
from modelctl.finding import Finding
from modelctl.repo.tree import Tree

FixtureTree = Callable[[str], Tree]
RULES_TESTS = Path(__file__).parent
CASES = sorted(
    case.relative_to(RULES_TESTS).as_posix()
    for rule in RULES
    for case in RULES_TESTS.glob(f"*/{rule.ID}/*")
)


def _expected(case: str) -> list[str]:
    file = RULES_TESTS / case / "expected.txt"
    return file.read_text().splitlines() if file.exists() else []


def _pinned(finding: Finding) -> str:
    place = finding.position
    return f"{finding.path}:{place.line}:{place.column} {finding.rule}"


def test_the_base_is_clean(fixture_tree: FixtureTree) -> None:
    """The repository that every fixture changes has no finding of its own."""
    findings = check_tree(fixture_tree("base"))

    assert [] == findings


@pytest.mark.parametrize("case", CASES)
def test_fixture(case: str, fixture_tree: FixtureTree) -> None:
    """A fixture has exactly the findings that its expected.txt pins, and none without one."""
    findings = check_tree(fixture_tree(case))

    assert _expected(case) == [_pinned(finding) for finding in findings]


@pytest.mark.parametrize("rule", [rule.ID for rule in RULES])
def test_every_rule_has_both_fixtures(rule: str) -> None:
    """A rule has a fixture named valid without findings, and one named invalid that it refuses."""
    own = [case for case in CASES if f"/{rule}/" in case]
    clean = [case for case in own if case.endswith("/valid") and not _expected(case)]
    refused = [
        case
        for case in own
        if Path(case).name.startswith("invalid")
        and any(line.endswith(f" {rule}") for line in _expected(case))
    ]

    assert clean
    assert refused
    assert all(case in refused for case in own if Path(case).name.startswith("invalid"))


def test_no_folder_belongs_to_no_rule() -> None:
    """A fixture folder is named after a rule of the table, in the folder of its family."""
    folders = {path.relative_to(RULES_TESTS).as_posix() for path in RULES_TESTS.glob("*/*/")}
    families = {f"{family_of(rule)}/{rule.ID}" for rule in RULES}

    assert families == {path for path in folders if not path.startswith(("base/", "__pycache__"))}


def family_of(rule: Rule) -> str:
    """The family of a rule: the package that its module lies in."""
    name: str = getattr(rule, "__name__", "")
    return name.split(".")[-2]


@pytest.mark.parametrize("case", CASES)
def test_messages_say_what_was_found(case: str, fixture_tree: FixtureTree) -> None:
    """A message says what was found in one line, and its remedy says what to do about it."""
    one_line = re.compile(r"[^\n]+[^\n.]")

    for finding in check_tree(fixture_tree(case)):
        assert "found " in finding.message
        assert one_line.fullmatch(finding.message)
        assert one_line.fullmatch(finding.remedy)


def test_one_cause_has_one_finding() -> None:
    """No place in a fixture has the findings of two rules."""
    for case in CASES:
        places = [line.partition(" ")[0] for line in _expected(case)]

        assert sorted(set(places)) == sorted(places), case
