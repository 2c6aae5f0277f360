"""`modelctl render`: write, or compare, every generated file."""

import argparse
from contextlib import nullcontext
from pathlib import Path

from modelctl.edit import workspace
from modelctl.repo import git
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 on a difference"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write what differs, or say what would be written."""
    root = git.top_level(Path.cwd())
    # Reading needs no lock, and must work where the git folder cannot be written.
    with nullcontext() if arguments.check else workspace.only_writer(root):
        repository = load(WorkTree(root))
        changes = workspace.render_changes(repository)
        if not arguments.check:
            workspace.Edit(root, changes, ()).write()
    done = ("stale", "orphan") if arguments.check else ("wrote", "removed")
    for path, content in changes.items():
        print(f"{done[content is None]} {path}")
    for fault in repository.faults:
        print(f"not rendered: {fault}")
    failed = bool(repository.faults) or (arguments.check and bool(changes))
    return 1 if failed else 0
