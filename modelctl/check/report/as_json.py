"""For programs: one object, by the schema in `schemas/report.schema.json`."""

import json
from collections import Counter
from collections.abc import Sequence

from modelctl.check.report.checked import Checked
from modelctl.finding import Finding, Level


def as_json(findings: Sequence[Finding], checked: Checked) -> str:
    """`findings` with place, rule, level and remedy each; `returned`; `unasked`; `summary`."""
    levels = Counter(finding.level for finding in findings)
    summary = {
        "errors": levels[Level.ERROR],
        "warnings": levels[Level.WARNING],
        "notes": levels[Level.NOTE],
        "models": checked.models,
        "releases": checked.releases,
        "serving_files": checked.servings,
    }
    report = {
        "findings": [_fields(finding) for finding in findings],
        "returned": checked.returned,
        "unasked": checked.unasked,
        "summary": summary,
    }
    return json.dumps(report, indent=2)


def _fields(finding: Finding) -> dict[str, str | int]:
    return {
        "path": finding.path,
        "line": finding.position.line,
        "column": finding.position.column,
        "rule": finding.rule,
        "level": finding.level.value,
        "message": finding.message,
        "remedy": finding.remedy,
    }
