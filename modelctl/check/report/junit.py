"""JUnit's XML, as build servers read it: a test case a rule."""

from collections import defaultdict
from collections.abc import Sequence
from html import escape

from modelctl.check.report.checked import Checked
from modelctl.check.report.text import line
from modelctl.check.rules import RULES
from modelctl.finding import Finding, Level

_XML_HAS_NO = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535), "?")


def junit(findings: Sequence[Finding], checked: Checked) -> str:
    """A case for each rule: failed by its errors; warnings and notes are its output."""
    by_rule: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_rule[finding.rule].append(finding)
    unasked = set(checked.unasked)
    names = list(dict.fromkeys((*(rule.ID for rule in RULES), *by_rule)))
    cases = [_case(name, by_rule[name], is_asked=name not in unasked) for name in names]
    failed = sum(any(f.level is Level.ERROR for f in found) for found in by_rule.values())
    counts = f'tests="{len(names)}" failures="{failed}" errors="0" skipped="{len(unasked)}"'
    head = f'<testsuite name="modelctl check" {counts}>'
    body = "\n".join([head, *cases, "</testsuite>"])
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites {counts}>\n{body}\n</testsuites>'


def _case(name: str, findings: Sequence[Finding], *, is_asked: bool) -> str:
    errors = [finding for finding in findings if finding.level is Level.ERROR]
    others = [finding for finding in findings if finding.level is not Level.ERROR]
    inside = "" if is_asked else '<skipped message="there is no commit to compare with"/>'
    if errors:
        message = _attribute(errors[0].message)
        inside += f"<failure type={_attribute(name)} message={message}>{_text(errors)}</failure>"
    if others:
        inside += f"<system-out>{_text(others)}</system-out>"
    return f'<testcase classname="modelctl" name={_attribute(name)} time="0">{inside}</testcase>'


def _text(findings: Sequence[Finding]) -> str:
    return escape(_xml("\n".join(map(line, findings))), quote=False)


def _attribute(text: str) -> str:
    return f'"{escape(_xml(text))}"'


def _xml(text: str) -> str:
    """A text without what XML cannot say."""
    return text.translate(_XML_HAS_NO).encode(errors="replace").decode()
