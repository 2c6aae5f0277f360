"""`modelctl explain RULE`: the manual page of a rule."""

import argparse

from modelctl import docs

SUMMARY = "print the page of a rule: what it does, why, a bad and a good example"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("rule", metavar="RULE", help="name of a rule, as findings print it")


def run(arguments: argparse.Namespace) -> int:
    """Print the page."""
    print(docs.explain(arguments.rule))
    return 0
