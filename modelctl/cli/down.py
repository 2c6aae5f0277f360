"""`modelctl down`: end what `modelctl up` runs on a state folder, or has left running there."""

import argparse
from pathlib import Path

from modelctl.local.ending import end
from modelctl.local.state import StateFolder, default_state


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="state directory (default: .modelctl)"
    )


def run(arguments: argparse.Namespace) -> int:
    """End it and say what was ended; 0 also where nothing ran.

    Raises:
        UsageError: Another `modelctl up` has begun there meanwhile.
    """
    folder = StateFolder((arguments.state or default_state()).resolve())
    ended = False
    for words in end(folder):
        ended = True
        print(words, flush=True)
    if not ended:
        print(f"nothing runs on {folder.root}")
    return 0
