"""SARIF 2.1.0, as code scanning reads it.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html, and GitHub's limits.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from modelctl.check.report.checked import Checked, worst_first
from modelctl.check.rules import RULES, Rule
from modelctl.finding import Finding
from modelctl.pages.rules import page, summary

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_MOST = 5_000  # results of a run that GitHub keeps; the worst come first


def sarif(findings: Sequence[Finding], checked: Checked) -> str:
    """One run with every rule and the worst findings; a notification counts what is left out."""
    del checked
    numbers = {rule.ID: index for index, rule in enumerate(RULES)}
    shown = worst_first(findings)[:_MOST]
    run = {
        "tool": {"driver": {"name": "modelctl", "rules": [_rule(rule) for rule in RULES]}},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The repository."}}},
        "invocations": [_invocation(len(findings) - len(shown))],
        "results": list(_results(shown, numbers)),
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.ID,
        "shortDescription": {"text": summary(rule)},
        "help": {"text": f"modelctl explain {rule.ID}", "markdown": page(rule)},
        "defaultConfiguration": {"level": rule.LEVEL.value},
    }


def _invocation(left_out: int) -> dict[str, Any]:
    told = f"{left_out} more findings are left out; `modelctl check` prints them all"
    notifications = [{"level": "warning", "message": {"text": told}}] if left_out else []
    return {"executionSuccessful": True, "toolExecutionNotifications": notifications}


def _results(findings: Sequence[Finding], numbers: dict[str, int]) -> Iterator[dict[str, Any]]:
    seen: Counter[str] = Counter()
    for finding in findings:
        print_ = _fingerprint(finding)
        seen[print_] += 1
        rule = {"ruleId": finding.rule}
        if finding.rule in numbers:
            rule |= {"ruleIndex": numbers[finding.rule]}  # type: ignore[dict-item]  # of a result
        yield {
            **rule,
            "level": finding.level.value,
            "message": {"text": f"{finding.message}. {finding.remedy}."},
            "locations": [_location(finding)],
            "partialFingerprints": {"modelctl/v1": f"{print_}:{seen[print_]}"},
        }


def _location(finding: Finding) -> dict[str, Any]:
    at = finding.position
    uri = quote(finding.path.encode(errors="surrogateescape"))
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": at.line, "startColumn": at.column},
        }
    }


def _fingerprint(finding: Finding) -> str:
    """What stays the same when lines move: rule, file and words."""
    told = f"{finding.rule}\n{finding.path}\n{finding.message}"
    return hashlib.sha256(told.encode(errors="surrogatepass")).hexdigest()[:32]
