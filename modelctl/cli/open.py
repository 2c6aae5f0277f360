"""`modelctl open`: the status page of `modelctl up` in a browser."""

import argparse
import os
import sys
import webbrowser

from modelctl.cli import engine

_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")  # of Linux; without one a browser would be in the way


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("model", metavar="MODEL", nargs="?", help="open the page of this model")
    engine.add_state(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the page's address, and open it where there is a screen."""
    name = arguments.model
    status = engine.status(arguments, name or "open")
    address = status["addresses"]["page"]
    if name:
        engine.model(status, name)
        address = f"{address}/models/{name}"
    print(address, flush=True)
    if has_screen():
        webbrowser.open(address)
    return 0


def has_screen() -> bool:
    """Whether a browser would be seen."""
    return sys.platform != "linux" or any(os.environ.get(name) for name in _SCREENS)
