"""Annotations of GitHub Actions, and the summary of a job.

GitHub shows ten annotations of a kind a step, and drops the rest without a word: the summary has
all.
Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from collections import Counter
from collections.abc import Sequence

from modelctl.check.report.checked import Checked, printable, worst_first
from modelctl.check.report.text import end
from modelctl.finding import Finding, Level

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}
_MOST = 10  # annotations of a kind that a step may have
_MOST_ROWS = 1_000  # a summary has at most a megabyte


def github(findings: Sequence[Finding], checked: Checked) -> str:
    """The worst ten of each kind as annotations, then what was checked."""
    seen: Counter[Level] = Counter()
    lines = []
    for finding in worst_first(findings):
        seen[finding.level] += 1
        if seen[finding.level] <= _MOST:
            lines.append(_annotation(finding))
    left_out = sum(max(0, count - _MOST) for count in seen.values())
    if left_out:
        lines.append(f"{left_out} more findings are in the summary of this job")
    return "\n".join([*lines, *end(findings, checked)])


def job_summary(findings: Sequence[Finding], checked: Checked) -> str:
    """All findings as a table of Markdown."""
    rows = [
        f"| {finding.level} | `{_cell(finding.path)}:{finding.position.line}` | {finding.rule} "
        f"| {_cell(finding.message)} | {_cell(finding.remedy)} |"
        for finding in worst_first(findings)[:_MOST_ROWS]
    ]
    head = ["| level | place | rule | found | remedy |", "|---|---|---|---|---|"] if rows else []
    return "\n".join(["### modelctl check", "", *head, *rows, "", *end(findings, checked), ""])


def _annotation(finding: Finding) -> str:
    at = finding.position
    place = f"file={_property(finding.path)},line={at.line},col={at.column}"
    told = f"{finding.message} ({finding.remedy})"
    return f"::{_COMMANDS[finding.level]} {place},title={finding.rule}::{_data(told)}"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _cell(text: str) -> str:
    return printable(text).replace("|", "\\|").replace("<", "&lt;")
