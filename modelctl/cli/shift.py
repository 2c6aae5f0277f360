"""`modelctl shift`: introduce a release at 0, or change weights."""

import argparse
import re

from modelctl.cli import editing
from modelctl.edit import operations
from modelctl.errors import UsageError

SUMMARY = "change the weights of a model in an environment; r3=0 introduces a release"
_WEIGHT = re.compile(r"(r[1-9][0-9]*)=([0-9]{1,3})")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    editing.configure(parser)
    parser.add_argument(
        "weights",
        nargs="+",
        metavar="RELEASE=PERCENT",
        help="wanted weights; the stable release takes what is left over",
    )


def run(arguments: argparse.Namespace) -> int:
    """Edit, render, check; write or commit."""
    wanted = dict(_weight(word) for word in arguments.weights)
    return editing.edit_traffic(
        arguments, "shift", lambda serving: operations.shift(serving, wanted)
    )


def _weight(word: str) -> tuple[str, int]:
    match = _WEIGHT.fullmatch(word)
    if match is None:
        raise UsageError(f"found {word!r}, expected RELEASE=PERCENT such as r2=10")
    return match[1], int(match[2])
