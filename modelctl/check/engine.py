"""Every rule over a repository: sorted findings, and whether they refuse it."""

from collections.abc import Iterable

from modelctl.check.rules import RULES
from modelctl.finding import Finding, Level
from modelctl.repo.loading import load
from modelctl.repo.repository import Repository
from modelctl.repo.tree import Tree


def check(repository: Repository) -> list[Finding]:
    """Every finding of every rule, each once, sorted."""
    return sorted({finding for rule in RULES for finding in rule.check(repository)})


def check_tree(tree: Tree) -> list[Finding]:
    """Every finding in the repository that a tree holds, sorted."""
    return check(load(tree))


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that refuse a change; warnings left out."""
    return [finding for finding in findings if finding.level is Level.ERROR]
