"""Checking as a whole: every rule, each finding once, sorted."""

from modelctl.check.engine import check, check_tree, errors
from modelctl.finding import Finding, Level, Position
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree
from scratch import PROJECT

FIXTURES = PROJECT / "tests" / "modelctl" / "check" / "rules"


def test_findings_are_sorted_and_told_once() -> None:
    """Findings come by path, line and column, none twice, and the same every time."""
    tree = WorkTree(FIXTURES / "base")
    findings = check_tree(tree)

    assert sorted(set(findings)) == findings
    assert findings == check(load(tree))
    assert {"rendered-current", "rendered-nonempty"} == {finding.rule for finding in findings}


def test_only_errors_refuse() -> None:
    """Warnings are told and do not refuse."""
    error = Finding("a", Position(1, 1), "r", "found", "mend")
    warning = Finding("a", Position(1, 1), "r", "found", "mend", Level.WARNING)

    assert [error] == errors([warning, error])


def test_a_finding_reads_as_one_line() -> None:
    """Place, rule, message and remedy, in this order."""
    finding = Finding("apps/a/model.yaml", Position(2, 7), "path-identity", "found b", "rename it")

    assert "apps/a/model.yaml:2:7: path-identity found b (rename it)" == str(finding)
