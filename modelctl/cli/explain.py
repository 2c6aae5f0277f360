"""`modelctl explain RULE`: the manual page of a rule."""

import argparse
import difflib

from modelctl.check.rules import RULES, Rule
from modelctl.errors import UsageError
from modelctl.pages.rules import page

SUMMARY = "print the page of a rule: what it does, why, a bad and a good example"


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
        near = difflib.get_close_matches(slug, rules, n=1)
        hint = f"did you mean {near[0]}?" if near else "`modelctl rules` lists them"
        raise UsageError(f"found no rule {slug}: {hint}")
    return rules[slug]
