"""`modelctl diff`: what a change does once it is merged, for the people who read it."""

import argparse
from pathlib import Path

from modelctl.check.change import change_of
from modelctl.check.effects import effects
from modelctl.check.report.effects_json import effects_as_json
from modelctl.check.report.effects_markdown import markdown
from modelctl.errors import UsageError
from modelctl.repo import git
from modelctl.repo.commit_tree import CommitTree
from modelctl.repo.loading import load
from modelctl.repo.tree import Tree, WorkTree

_FORMATS = {"markdown": markdown, "json": effects_as_json}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "base",
        nargs="?",
        metavar="BASE",
        help="compare with where this line left BASE; default: the commit, or its first parent",
    )
    parser.add_argument("--ref", help="look at a commit, branch or tag instead of the work tree")
    parser.add_argument("--format", choices=tuple(_FORMATS), default="markdown")


def run(arguments: argparse.Namespace) -> int:
    """Print what changes; 0 whether or not anything does."""
    root = git.top_level(Path.cwd())
    tree: Tree = CommitTree(root, arguments.ref) if arguments.ref else WorkTree(root)
    change = change_of(root, tree, base=arguments.base)
    if change is None:
        raise UsageError(
            "found no commit to compare with, expected one: commit first, name BASE, or fetch the "
            "history of a shallow clone (`git fetch --unshallow`)"
        )
    found = list(effects(change, load(tree)))
    print(_FORMATS[arguments.format](found, change.base[:12]))
    return 0
