"""`modelctl rules`: every rule in one line, or all that there is to know of them."""

import argparse
import json

from modelctl.check.rules import RULES, Rule
from modelctl.cli.parser import Parser
from modelctl.pages.rules import page, rules_page, summary


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--format",
        choices=("text", "json", "md"),
        default="text",
        help="text: a line each; md, json: with their pages (default: text)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print name, level and summary of every rule, and its page where that is asked for."""
    if arguments.format == "json":
        print(json.dumps([_described(rule) for rule in RULES], indent=2))
    elif arguments.format == "md":
        print(rules_page(RULES), end="")
    else:
        width = max(len(rule.ID) for rule in RULES)
        for rule in RULES:
            print(f"{rule.ID:<{width}}  {rule.LEVEL:<7}  {summary(rule)}")
    return 0


def _described(rule: Rule) -> dict[str, str]:
    """A rule as a program reads it; `family` is the folder of its module."""
    return {
        "id": rule.ID,
        "level": rule.LEVEL,
        "scope": rule.SCOPE,
        "family": rule.__name__.split(".")[-2],
        "summary": summary(rule),
        "page": page(rule),
    }
