"""`modelctl history`: who served what when, from git alone."""

import argparse
from datetime import datetime
from pathlib import Path

from modelctl.errors import UsageError
from modelctl.repo import git, history, layout
from modelctl.repo.history import Past
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree

SUMMARY = "show which releases served with which weights, and since which commit"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("model", metavar="MODEL", help="folder of the model below apps/")
    parser.add_argument("--env", help="one environment; default: every one")
    parser.add_argument("--at", metavar="TIME", help="only the state in force then (ISO 8601)")


def run(arguments: argparse.Namespace) -> int:
    """Print one line a state of the main line, newest first, per environment."""
    root = git.top_level(Path.cwd())
    ordered = [environment.name for environment in load(WorkTree(root)).environments.ordered]
    at = _time(arguments.at) if arguments.at else None
    found = False
    for environment in [arguments.env] if arguments.env else ordered:
        past = list(history.traffic_changes(root, (arguments.model, environment)))
        shown = [s for s in past if at is None or datetime.fromisoformat(s.commit.time) <= at]
        for state in shown[:1] if at else shown:
            found = True
            print(_line(environment, state))
    if not found:
        path = layout.serving_file(arguments.model, arguments.env or "*")
        raise UsageError(f"{path}: no committed state{' at that time' if at else ''}")
    if git.is_shallow(root):
        print("this clone is shallow: `git fetch --unshallow` brings what was before")
    return 0


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise UsageError(
            f"found the time {text!r}, expected ISO 8601 such as 2026-03-01T14:30"
        ) from error


def _line(environment: str, state: Past) -> str:
    weights = " ".join(f"{release}={weight}" for release, weight in state.weights.items())
    commit = state.commit
    return (
        f"{environment}  {commit.time}  {commit.id[:12]}  {weights}  stable {state.stable}"
        f"  {commit.author}: {commit.subject}"
    )
