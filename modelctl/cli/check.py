"""`modelctl check`: validate the repository and say what is wrong, where, and what to do."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from modelctl.check.engine import check, errors
from modelctl.check.report import REPORTERS, Checked
from modelctl.errors import UsageError
from modelctl.finding import Finding
from modelctl.repo import git
from modelctl.repo.loading import load
from modelctl.repo.tree import CommitTree, Tree, WorkTree


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="show only findings in these files and folders; everything is checked all the same",
    )
    parser.add_argument("--format", choices=tuple(REPORTERS), default="text", help="default: text")
    parser.add_argument("--ref", help="check a commit, branch or tag instead of the work tree")


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 0 where none is an error."""
    root = git.top_level(Path.cwd())
    tree: Tree = CommitTree(root, arguments.ref) if arguments.ref else WorkTree(root)
    paths = [_repository_path(root, tree, path) for path in arguments.paths]
    repository = load(tree)
    findings = [finding for finding in check(repository) if _is_wanted(finding, paths)]
    print(REPORTERS[arguments.format](findings, Checked.of(repository, *paths)))
    return 1 if errors(findings) else 0


def _repository_path(root: Path, tree: Tree, path: Path) -> str:
    absolute = Path.cwd() / path
    try:
        within = absolute.resolve().relative_to(root.resolve()).as_posix()
    except ValueError as error:
        raise UsageError(f"{path} is outside the repository {root}: name a path in it") from error
    below = (entry for entry in tree.entries if _is_in(entry, within))
    if not _is_there(root, tree, within) and not any(below):
        place = f"commit {tree.commit[:12]}" if isinstance(tree, CommitTree) else "repository"
        raise UsageError(f"{path} is not in the {place} of {root}: correct the path")
    return within


def _is_there(root: Path, tree: Tree, path: str) -> bool:
    """Whether there is a file or folder at a path of what is checked, at any depth."""
    if isinstance(tree, CommitTree):
        return path == "." or bool(git.text(root, "ls-tree", tree.commit, "--", path))
    return (root / path).exists()


def _is_wanted(finding: Finding, paths: Iterable[str]) -> bool:
    wanted = list(paths)
    return not wanted or any(_is_in(finding.path, path) for path in wanted)


def _is_in(path: str, folder: str) -> bool:
    return folder in (".", path) or path.startswith(f"{folder}/")
