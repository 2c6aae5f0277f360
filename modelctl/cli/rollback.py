"""`modelctl rollback`: return to the last good traffic state in history."""

import argparse
from pathlib import Path

from modelctl.cli import editing
from modelctl.edit import operations
from modelctl.edit.text import Traffic
from modelctl.repo import history
from modelctl.repo.kinds import Serving


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    editing.configure(parser)


def run(arguments: argparse.Namespace) -> int:
    """Edit, render, check; write or commit."""
    return editing.edit_traffic(arguments, "rollback", _previous)


def _previous(root: Path, serving: Serving) -> Traffic:
    past = history.states(root, serving.folder, serving.environment)
    return operations.rollback(serving, (operations.current(state.serving) for state in past))
