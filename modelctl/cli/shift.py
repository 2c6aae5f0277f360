"""`modelctl shift`: introduce a release at 0, or change weights."""

import argparse

from modelctl.cli import editing
from modelctl.cli.parser import Parser
from modelctl.cli.values import weight
from modelctl.edit import operations


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    editing.configure(parser)
    parser.add_argument(
        "weights",
        nargs="+",
        type=weight,
        metavar="RELEASE=PERCENT",
        help="wanted weights; the stable release takes what is left over",
    )


def run(arguments: argparse.Namespace) -> int:
    """Edit, render, check; write or commit."""
    wanted = dict(arguments.weights)
    return editing.edit_traffic(
        arguments, "shift", lambda serving: operations.shift(serving, wanted)
    )
