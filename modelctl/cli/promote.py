"""`modelctl promote`: give a release all traffic, or bring it to the next environment."""

import argparse

from modelctl.cli import bringing, editing
from modelctl.cli.parser import Parser
from modelctl.cli.values import release
from modelctl.edit import operations
from modelctl.errors import UsageError


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    parser.add_argument("model", metavar="MODEL", help="folder of the model below apps/")
    parser.add_argument("--env", help="environment in which a release gets all traffic")
    parser.add_argument(
        "--from", dest="source", metavar="ENV", help="environment that the stable release is of"
    )
    parser.add_argument("--to", dest="target", metavar="ENV", help="environment that gets it")
    parser.add_argument(
        "--release",
        type=release,
        metavar="RELEASE",
        help="default: the one that has traffic now; with --from the stable one",
    )
    editing.add_commit(parser)
    parser.goes_with("--from", "--to", "a release goes from one environment to another")
    parser.goes_with("--to", "--from", "a release goes from one environment to another")


def run(arguments: argparse.Namespace) -> int:
    """Edit, render, check; write or commit."""
    if bool(arguments.env) == bool(arguments.target):
        raise UsageError(
            "expected either --env ENV, for all traffic there, or --from ENV --to ENV, to bring "
            "the stable release of one environment to another"
        )
    if arguments.target:
        return bringing.run(arguments)
    return editing.edit_traffic(
        arguments, "promote", lambda serving: operations.promote(serving, arguments.release)
    )
