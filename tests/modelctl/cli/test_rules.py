"""`modelctl rules`: for people, for programs, for a page."""

import json

import pytest

from modelctl.__main__ import main
from modelctl.check.rules import RULES
from scratch import PROJECT


def test_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    """Every rule has one, with its level."""
    assert 0 == main(["rules"])

    shown = capsys.readouterr().out.splitlines()
    assert [rule.ID for rule in RULES] == [line.split()[0] for line in shown]


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A program gets identity, level, scope, family and the page."""
    assert 0 == main(["rules", "--format", "json"])

    found = {each["id"]: each for each in json.loads(capsys.readouterr().out)}
    assert [rule.ID for rule in RULES] == list(found)
    weights = found["weights-sum-100"]
    assert ("error", "traffic") == (weights["level"], weights["family"])
    assert weights["page"].startswith("# weights-sum-100\n")


def test_markdown(capsys: pytest.CaptureFixture[str]) -> None:
    """It is the page of the reference."""
    assert 0 == main(["rules", "--format", "md"])

    assert (PROJECT / "schemas/rules.md").read_text() == capsys.readouterr().out
