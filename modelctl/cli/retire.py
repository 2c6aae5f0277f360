"""`modelctl retire`: stop running a release that has no traffic."""

import argparse

from modelctl.cli import editing
from modelctl.cli.parser import Parser
from modelctl.cli.values import release
from modelctl.edit import operations


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    editing.configure(parser)
    parser.add_argument(
        "--release", type=release, metavar="RELEASE", help="default: the only one at weight 0"
    )


def run(arguments: argparse.Namespace) -> int:
    """Edit, render, check; write or commit."""
    return editing.edit_traffic(
        arguments, "retire", lambda serving: operations.retire(serving, arguments.release)
    )
