"""`modelctl doctor`: whether everything is there that commands need, and what to do if not."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from modelctl.doctor import installed, machine, repository
from modelctl.doctor.values import Look, Verdict, fail
from modelctl.errors import GitError
from modelctl.repo import git
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print each look; 1 where one fails."""
    found = list(_looks(Path.cwd()))
    if arguments.format == "json":
        print(json.dumps({"looks": [look.as_json() for look in found]}, indent=1))
    else:
        width = max(len(look.at) for look in found)
        print("\n".join(_line(look, width) for look in found))
    return 1 if any(look.verdict is Verdict.FAIL for look in found) else 0


def _line(look: Look, width: int) -> str:
    remedy = f" -> {look.remedy}" if look.remedy else ""
    return f"{look.verdict:<4}  {look.at:<{width}}  {look.found}{remedy}"


def _looks(here: Path) -> Iterator[Look]:
    try:
        root = git.top_level(here)
    except GitError as error:
        yield from machine.looks(here)
        yield from installed.looks(None)
        yield fail(
            "repository", str(error).splitlines()[0], "modelctl init DIR, or change into one"
        )
        return
    yield from machine.looks(root)
    yield from installed.looks(root)
    loaded = load(WorkTree(root))
    yield from repository.looks(root, loaded)
    engines = {environment.engine for environment in loaded.environments.ordered}
    if "local" in engines:
        yield from installed.looks_for_serving()
        yield from machine.looks_for_serving(root)
    if "argocd" in engines:
        yield from installed.looks_for_clusters()
        yield from repository.looks_for_clusters(root, loaded)
