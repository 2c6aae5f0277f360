"""Reports for build servers: whole, within their limits, and without what they cannot take."""

import json
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from modelctl.check.report import Checked, as_json
from modelctl.check.report.github import github, job_summary
from modelctl.check.report.gitlab import gitlab
from modelctl.check.report.junit import junit
from modelctl.check.report.sarif import sarif
from modelctl.check.report.terminal import terminal
from modelctl.check.rules import RULES
from modelctl.finding import START, Finding, Level, Position
from scratch import PROJECT

CHECKED = Checked(models=1, releases=2, servings=3, unasked=("enter-at-zero",))
ERROR = Finding("apps/a b/x.yaml", Position(2, 5), "weights-sum-100", "found 99 | <b>", "add 1")
WARNING = Finding("apps/a/r1.yaml", START, "release-unreferenced", "found", "x", Level.WARNING)
HOSTILE = Finding("\udcff,:%", Position(1, 2), "weights-sum-100", "\ud800 \x07\n::error::", "&<")
ALL = [ERROR, WARNING, HOSTILE]


def test_json_keeps_its_schema() -> None:
    """The report for programs is what the committed schema says, and nothing else."""
    schema = json.loads((PROJECT / "schemas" / "report.schema.json").read_text())

    Draft202012Validator(schema).validate(json.loads(as_json(ALL, CHECKED)))


def test_sarif_has_every_rule_and_finding() -> None:
    """A result names its rule by number, its place as a URI, and a print of its own."""
    run = json.loads(sarif([*ALL, ERROR], CHECKED))["runs"][0]
    result = next(each for each in run["results"] if "a%20b" in str(each))
    prints = [each["partialFingerprints"]["modelctl/v1"] for each in run["results"]]

    assert [rule.ID for rule in RULES] == [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert "weights-sum-100" == RULES[result["ruleIndex"]].ID
    assert {"startLine": 2, "startColumn": 5} == result["locations"][0]["physicalLocation"][
        "region"
    ]
    assert len(prints) == len(set(prints))


def test_sarif_keeps_within_the_limits_of_code_scanning() -> None:
    """Of very many findings the worst are told, and how many are left out."""
    many = [Finding("a.yaml", Position(i + 1, 1), "r", f"found {i}", "x") for i in range(6000)]
    run = json.loads(sarif([WARNING, *many], CHECKED))["runs"][0]

    assert 5000 == len(run["results"])
    assert {"error"} == {result["level"] for result in run["results"]}
    assert "1001 more" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_junit_fails_the_rules_with_errors() -> None:
    """A case a rule: failed by errors, skipped where it was not asked, passed otherwise."""
    suite = ET.fromstring(junit(ALL, CHECKED))[0]  # noqa: S314 - of our own text
    cases = {case.get("name"): case for case in suite}

    assert str(len(RULES)) == suite.get("tests")
    assert "1" == suite.get("failures")
    assert cases["weights-sum-100"].find("failure") is not None
    assert cases["enter-at-zero"].find("skipped") is not None
    assert cases["release-unreferenced"].find("failure") is None
    assert [] == list(cases["no-all-zero"])


def test_github_shows_ten_of_a_kind_and_counts_the_rest() -> None:
    """Annotations keep within what GitHub shows; nothing in a finding makes one of its own."""
    many = [Finding("a.yaml", Position(i + 1, 1), "r", f"found {i}", "x") for i in range(12)]
    lines = github([*many, *ALL], CHECKED).splitlines()
    commands = [line for line in lines if line.startswith("::")]

    assert 11 == len(commands)
    assert "::error file=a.yaml,line=1,col=1,title=r::found 0 (x)" == commands[0]
    assert "4 more findings are in the summary of this job" in lines
    assert ["::error file=\\udcff%2C%3A%25,line=1,col=2,title=weights-sum-100::"] == [
        f"{command.rpartition('::')[0].partition('weights-sum-100::')[0]}weights-sum-100::"
        for command in github([HOSTILE], CHECKED).splitlines()
        if command.startswith("::")
    ]


def test_a_job_summary_is_a_table() -> None:
    """All findings are rows, and nothing in them ends a cell or begins an element."""
    rows = [row for row in job_summary(ALL, CHECKED).splitlines() if row.startswith("| error")]

    assert 2 == len(rows)
    assert "found 99 \\| &lt;b>" in rows[0]


def test_gitlab_has_prints_of_their_own() -> None:
    """The same words twice are two entries; an error blocks."""
    entries = json.loads(gitlab([ERROR, ERROR, WARNING], CHECKED))

    assert 3 == len({entry["fingerprint"] for entry in entries})
    assert ["blocker", "blocker", "minor"] == [entry["severity"] for entry in entries]
    assert {"path": "apps/a b/x.yaml", "lines": {"begin": 2}} == entries[0]["location"]


def test_a_terminal_sees_the_line_and_a_caret() -> None:
    """The line that a finding is about is printed, with a caret under its column."""
    shown = terminal([ERROR], CHECKED, lambda _: b"a: 1\nb: {r1: 99}\n").splitlines()

    assert "  2 | b: {r1: 99}" == shown[2]
    assert "    |     ^" == shown[3].replace("\x1b[31m", "").replace("\x1b[0m", "")


@pytest.mark.parametrize("content", [None, b"", b"\xff", b"one line"])
def test_a_terminal_does_without_the_line(content: bytes | None) -> None:
    """A file that is gone, shorter or no text is told without its line."""
    shown = terminal(ALL, CHECKED, lambda _: content)

    shown.encode()
    assert "\x07" not in shown
