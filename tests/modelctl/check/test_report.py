"""Reports: the same findings for people and for programs."""

import json
from dataclasses import replace

import pytest

from modelctl.check.report import REPORTERS, Checked, as_json, text
from modelctl.finding import Finding, Level, Position

CHECKED = Checked(models=1, releases=2, servings=3)
ERROR = Finding("apps/a/envs/prod.yaml", Position(2, 5), "weights-sum-100", "found 99", "add 1")
WARNING = Finding(
    "apps/a/releases/r1.yaml", Position(1, 1), "release-unreferenced", "found", "x", Level.WARNING
)


def test_text_is_one_finding_a_line() -> None:
    """An error reads as place, rule, message and remedy; a warning says that it is one."""
    lines = text([ERROR, WARNING], CHECKED).splitlines()

    assert [
        "apps/a/envs/prod.yaml:2:5: weights-sum-100 found 99 (add 1)",
        "apps/a/releases/r1.yaml:1:1: warning: release-unreferenced found (x)",
        "checked 1 model, 2 releases and 3 serving files: 1 error, 1 warning",
    ] == lines


def test_text_without_findings_says_what_was_checked() -> None:
    """A clean report says how much it is about."""
    report = text([], CHECKED)

    assert "checked 1 model, 2 releases and 3 serving files: no findings" == report


def test_text_says_where_it_looked() -> None:
    """A report about chosen paths does not read as one about everything."""
    report = text([], replace(CHECKED, shown=("argocd",)))

    assert report.endswith("no findings in argocd")


def test_text_cannot_drive_a_terminal() -> None:
    """Control characters and broken names in a finding are written out."""
    finding = Finding("a\x1b[2J\udcff\n.yaml", Position(1, 1), "r", "found \x07 é", "x")
    first = text([finding], CHECKED).splitlines()[0]

    assert r"a\x1b[2J\udcff\n.yaml:1:1: r found \x07 é (x)" == first


def test_json_has_every_field() -> None:
    """A program gets place, rule, level and remedy of every finding, and the counts."""
    report = json.loads(as_json([ERROR, WARNING], CHECKED))

    assert {
        "path": "apps/a/envs/prod.yaml",
        "line": 2,
        "column": 5,
        "rule": "weights-sum-100",
        "level": "error",
        "message": "found 99",
        "remedy": "add 1",
    } == report["findings"][0]
    assert "warning" == report["findings"][1]["level"]
    assert {
        "errors": 1,
        "warnings": 1,
        "notes": 0,
        "models": 1,
        "releases": 2,
        "serving_files": 3,
    } == report["summary"]


@pytest.mark.parametrize("name", REPORTERS)
def test_every_reporter_prints_anything(name: str) -> None:
    """Whatever is in a finding, its report can be written in UTF-8."""
    finding = Finding("\udcff", Position(1, 1), "r", "\ud800", "x")
    report = REPORTERS[name]([finding], CHECKED)

    assert report.encode("utf-8")
