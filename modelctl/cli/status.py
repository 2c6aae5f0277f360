"""`modelctl status`: what `modelctl up` runs, and whether that is what git says."""

import argparse
import json
from pathlib import Path

from modelctl.local.running import ask
from modelctl.local.state import StateFolder, default_state
from modelctl.status.text import lines

EXIT_WELL = 0
EXIT_NOT_WELL = 1
EXIT_NOT_KNOWN = 2


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="state directory (default: .modelctl)"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print what the engine says now; 0 if all is Synced and Healthy, 1 if not.

    2 where it does not say: nothing runs, or what runs does not answer.
    """
    answer = ask(StateFolder((arguments.state or default_state()).resolve()))
    well = answer.status.get("well") is True
    if arguments.format == "json":
        fault = {"fault": answer.fault} if answer.fault else {}
        told = {**answer.status, **fault, "running": answer.is_running, "well": well}
        # In ASCII, so that it is the same JSON whatever the terminal's encoding lacks.
        print(json.dumps(told, indent=1))
    else:
        print("\n".join([answer.fault] if answer.fault else lines(answer.status)))
    if answer.fault:
        return EXIT_NOT_KNOWN
    return EXIT_WELL if well else EXIT_NOT_WELL
