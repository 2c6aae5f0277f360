"""The mutation tool: its mutants are what they say, and fixtures notice those that matter."""

import ast

import pytest

from modelctl.check.rules.traffic import weights_sum_100
from tests.mutation.__main__ import score
from tests.mutation.mutants import mutants


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", {"a <= b"}),
        ("a and b", {"a or b", "a", "b"}),
        ("x = 1", {"x = 2"}),
        ("x = True", {"x = False"}),
        ("not a", {"a"}),
        ("a + b", {"a - b"}),
        ("x = c if a else b", {"x = c if True else b", "x = c if False else b"}),
        ("[a for a in b if c]", {"[a for a in b]"}),
        ("def f(): return a", {"def f():\n    return", "def f():\n    pass"}),
        ("def f(): yield a", {"def f():\n    return\n    yield"}),
        ("x: Literal[1] = y", set()),
        ("'text'", set()),
    ],
)
def test_mutants(source: str, expected: set[str]) -> None:
    """Each mutant of a line differs in one thing; annotations and texts have none."""
    assert expected == {ast.unparse(mutant.tree) for mutant in mutants(source)}


def test_fixtures_notice_what_a_rule_is_about() -> None:
    """A rule's own fixtures tell it from nearly each mutant, and name those that they do not."""
    found = score(weights_sum_100, only_own=True)

    assert 11 == found.count
    assert {"0 -> 1", "missing > 0 -> missing >= 0"} == {each.what for each in found.survivors}
