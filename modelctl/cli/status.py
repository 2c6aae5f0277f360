"""`modelctl status`: what `modelctl up` runs, and whether that is what git says."""

import argparse
import json
from pathlib import Path

from modelctl.local.state import StateFolder, default_state, is_held, read_json
from modelctl.status.text import lines

EXIT_WELL = 0
EXIT_NOT_WELL = 1
EXIT_NOT_RUNNING = 2


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="state directory (default: .modelctl)"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print the status; 0 if all is Synced and Healthy, 1 if not, 2 if nothing runs."""
    folder = StateFolder((arguments.state or default_state()).resolve())
    running = is_held(folder)
    saved = read_json(folder.status)
    status = saved if isinstance(saved, dict) else {}
    well = running and status.get("well") is True
    if arguments.format == "json":
        # In ASCII, so that it is the same JSON whatever the terminal's encoding lacks.
        print(json.dumps(status | {"running": running, "well": well}, indent=1))
    else:
        print("\n".join(lines(status, folder.root, running=running)))
    if not running or not status:
        return EXIT_NOT_RUNNING
    return EXIT_WELL if well else EXIT_NOT_WELL
