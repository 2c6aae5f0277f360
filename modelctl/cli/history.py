"""`modelctl history`: who served what when, from git alone."""

import argparse
from datetime import datetime
from pathlib import Path

from modelctl.cli import names
from modelctl.cli.values import moment
from modelctl.errors import UsageError
from modelctl.repo import git, history, layout
from modelctl.repo.history import TrafficState
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("model", metavar="MODEL", help="folder of the model below apps/")
    parser.add_argument("--env", help="one environment; default: every one")
    parser.add_argument(
        "--at", type=moment, metavar="TIME", help="only the state in force then (ISO 8601)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print one line a state of the main line, newest first, per environment."""
    root = git.top_level(Path.cwd())
    repository = load(WorkTree(root))
    ordered = [environment.name for environment in repository.environments.ordered]
    at = arguments.at
    found = False
    asked = [arguments.env] if arguments.env else ordered
    for environment, past in history.traffic_changes(root, arguments.model, asked).items():
        shown = [s for s in past if at is None or datetime.fromisoformat(s.commit.time) <= at]
        for state in shown[:1] if at else shown:
            found = True
            print(_line(environment, state))
    if not found:
        names.refuse_unknown_model(repository, arguments.model)
        if arguments.env:
            names.refuse_unknown_environment(repository, arguments.env)
        path = layout.serving_file(arguments.model, arguments.env or "*")
        raise UsageError(f"{path}: no committed state{' at that time' if at else ''}")
    if git.is_shallow(root):
        print("this clone is shallow: `git fetch --unshallow` brings what was before")
    return 0


def _line(environment: str, state: TrafficState) -> str:
    weights = " ".join(f"{release}={weight}" for release, weight in state.weights.items())
    commit = state.commit
    return (
        f"{environment}  {commit.time}  {commit.id[:12]}  {weights}  stable {state.stable}"
        f"  {commit.author}: {commit.subject}"
    )
