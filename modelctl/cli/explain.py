"""`modelctl explain RULE`: the manual page of a rule."""

import argparse

from modelctl.check.rules import RULES, Rule
from modelctl.errors import UsageError
from modelctl.nearest import hint
from modelctl.pages.rules import page


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("rule", metavar="RULE", help="name of a rule, as findings print it")


def run(arguments: argparse.Namespace) -> int:
    """Print the page."""
    print(page(_named(arguments.rule)))
    return 0


def _named(slug: str) -> Rule:
    rules = {rule.ID: rule for rule in RULES}
    if slug not in rules:
        near = hint(slug, rules, otherwise="`modelctl rules` lists them")
        raise UsageError(f"found no rule {slug}: {near}")
    return rules[slug]
