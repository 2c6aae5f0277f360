"""Every rule by its fixtures: a folder is a test, and pins each finding of any rule in full.

After a wanted change, `UPDATE_GOLDEN=1 python -m pytest tests/modelctl/check/rules` writes every
expected.txt anew; the commit's diff then shows each line that people will read.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from modelctl.check.report import Checked, text
from modelctl.check.rules import RULES, Rule
from modelctl.finding import Finding

Findings = Callable[[str], list[Finding]]
RULES_TESTS = Path(__file__).parent
CASES = sorted(
    case.relative_to(RULES_TESTS).as_posix()
    for rule in RULES
    for case in RULES_TESTS.glob(f"*/{rule.ID}/*")
)


_LINE = re.compile(r"(.+?:\d+:\d+): (?:[a-z]+: )?([a-z0-9-]+) .+ \(.+\)")
_NONE = Checked(models=0, releases=0, servings=0)


def _expected(case: str) -> list[str]:
    file = RULES_TESTS / case / "expected.txt"
    return file.read_text().splitlines() if file.exists() else []


def _place_and_rule(line: str) -> tuple[str, str]:
    match = _LINE.fullmatch(line)
    assert match is not None, line
    return match[1], match[2]


def _update(case: str, lines: list[str]) -> None:
    file = RULES_TESTS / case / "expected.txt"
    if lines:
        file.write_text("".join(f"{line}\n" for line in lines))
    else:
        file.unlink(missing_ok=True)


def test_the_base_is_clean(checked: Findings) -> None:
    """The repository that every fixture changes has no finding of its own."""
    assert [] == checked("base")


@pytest.mark.parametrize("case", CASES)
def test_fixture(case: str, checked: Findings) -> None:
    """A fixture has the findings of its expected.txt as `modelctl check` prints them, no other."""
    lines = text(checked(case), _NONE).splitlines()[:-1]
    if os.environ.get("UPDATE_GOLDEN"):
        _update(case, lines)

    assert _expected(case) == lines


@pytest.mark.parametrize("rule", [rule.ID for rule in RULES])
def test_every_rule_has_both_fixtures(rule: str) -> None:
    """A rule has a fixture named valid without findings, and one named invalid that it refuses."""
    own = [case for case in CASES if f"/{rule}/" in case]
    clean = [case for case in own if case.endswith("/valid") and not _expected(case)]
    refused = [
        case
        for case in own
        if Path(case).name.startswith("invalid")
        and any(rule == _place_and_rule(line)[1] for line in _expected(case))
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
def test_messages_say_what_was_found(case: str, checked: Findings) -> None:
    """A message says what was found and expected, or why it cannot be; its remedy, what to do."""
    one_line = re.compile(r"[^\n]+[^\n.]")
    what_and_why = re.compile(r"(?:[^ ]+( [^ ]+){0,2}: )?found .+, (?:expected|which) .+")

    for finding in checked(case):
        assert what_and_why.fullmatch(finding.message), finding.message
        assert one_line.fullmatch(finding.message)
        assert one_line.fullmatch(finding.remedy)


def test_one_cause_has_one_finding() -> None:
    """No place in a fixture has the findings of two rules."""
    for case in CASES:
        places = [_place_and_rule(line)[0] for line in _expected(case)]

        assert sorted(set(places)) == sorted(places), case
