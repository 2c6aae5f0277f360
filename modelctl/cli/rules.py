"""`modelctl rules`: every rule in one line."""

import argparse

from modelctl.check.rules import RULES
from modelctl.pages.rules import summary


def configure(parser: argparse.ArgumentParser) -> None:
    """The command has no arguments."""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - every command has this signature
    """Print name, level and summary of every rule."""
    width = max(len(rule.ID) for rule in RULES)
    for rule in RULES:
        print(f"{rule.ID:<{width}}  {rule.LEVEL:<7}  {summary(rule)}")
    return 0
