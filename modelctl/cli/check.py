"""`modelctl check`: validate the repository and say what is wrong, where, and what to do."""

import argparse
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from modelctl.check.change import Change, change_of
from modelctl.check.engine import check, errors, unasked
from modelctl.check.merged import findings_once_merged
from modelctl.check.report import REPORTERS, Checked
from modelctl.check.report.github import job_summary
from modelctl.check.report.terminal import terminal
from modelctl.cli import editing
from modelctl.errors import UsageError
from modelctl.finding import Finding
from modelctl.repo import git
from modelctl.repo.commit_tree import CommitTree
from modelctl.repo.layout import place
from modelctl.repo.loading import load
from modelctl.repo.tree import EntryKind, Tree, WorkTree

_SHALLOW = (
    "this clone is shallow, so that it cannot be seen whether this is a way back, which no rule "
    "would refuse: fetch the history (`git fetch --unshallow`; in GitHub Actions fetch-depth: 0)"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="check only what these files and folders belong to, and show only findings in them",
    )
    parser.add_argument("--format", choices=tuple(REPORTERS), default="text", help="default: text")
    parser.add_argument("--ref", help="check a commit, branch or tag instead of the work tree")
    parser.add_argument(
        "--base",
        metavar="REF",
        help="compare with where this line left REF; default: the commit, or its first parent",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 0 where none is an error."""
    root = git.top_level(Path.cwd())
    tree: Tree = CommitTree(root, arguments.ref) if arguments.ref else WorkTree(root)
    paths = [_repository_path(root, tree, path) for path in arguments.paths]
    only = _models(paths)
    change = change_of(root, tree, base=arguments.base)
    if only is None:
        _ = tree.entries  # all of them at once, not model by model
    found = check(load(tree), only, change)
    if change is not None and arguments.base:
        found += _once_merged(root, tree, change, arguments.base, found)
    findings = [finding for finding in found if _is_wanted(finding, paths)]
    checked = Checked.of(
        _looked_at(tree, only),
        *paths,
        returned=list(_returned(change, findings)),
        unasked=unasked() if change is None else (),
    )
    _print(arguments.format, findings, checked, tree)
    if errors(findings) and git.is_shallow(root):
        editing.say([_SHALLOW])
    return 1 if errors(findings) else 0


def _once_merged(
    root: Path, tree: Tree, change: Change, base: str, found: Collection[Finding]
) -> list[Finding]:
    """What goes wrong only with what the base has got since this line left it."""
    theirs = git.resolve(root, base)
    ours = tree.commit if isinstance(tree, CommitTree) else git.head(root)
    if theirs == change.base or not ours:
        return []
    return sorted(findings_once_merged(root, ours, theirs, found))


def _print(name: str, findings: Sequence[Finding], checked: Checked, tree: Tree) -> None:
    """Print the report; with source lines at a terminal, with a summary in a job of GitHub's."""
    if name == "text" and sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        print(terminal(findings, checked, lambda path: _source(tree, path)))
        return
    print(REPORTERS[name](findings, checked))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if name == "github" and summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(job_summary(findings, checked))


def _source(tree: Tree, path: str) -> bytes | None:
    entry = tree.entry(path)
    return tree.read(path) if entry is not None and entry.kind is EntryKind.FILE else None


def _models(paths: Iterable[str]) -> Collection[str] | None:
    """The models that paths belong to; None where one belongs to none, or there is no path."""
    models = {place(f"{path}/-" if path.count("/") == 1 else path).model for path in paths}
    return None if "" in models or not models else models


def _looked_at(tree: Tree, only: Collection[str] | None) -> Iterable[str]:
    if only is None:
        return tree.entries
    return [path for model in only for path in tree.below(f"apps/{model}")]


def _returned(change: Change | None, findings: Collection[Finding]) -> Iterator[str]:
    """Words on each model that has returned, where that excuses a finding."""
    if change is None or not any(finding.level == "note" for finding in findings):
        return
    for (model, environment), commit in change.returned.items():
        yield (
            f"{model} in {environment} is back at what was applied at {commit.id[:12]} "
            f'("{commit.subject}"): no rule holds that back'
        )


def _repository_path(root: Path, tree: Tree, path: Path) -> str:
    absolute = Path.cwd() / path
    try:
        within = absolute.resolve().relative_to(root.resolve()).as_posix()
    except ValueError as error:
        raise UsageError(f"{path} is outside the repository {root}: name a path in it") from error
    if not _is_there(root, tree, within) and not tree.below(within):
        place = f"commit {tree.commit[:12]}" if isinstance(tree, CommitTree) else "repository"
        raise UsageError(f"{path} is not in the {place} of {root}: correct the path")
    return within


def _is_there(root: Path, tree: Tree, path: str) -> bool:
    """Whether there is a file or folder at a path of what is checked, at any depth."""
    if isinstance(tree, CommitTree):
        return path == "." or bool(git.text(root, "ls-tree", tree.commit, "--", path))
    return (root / path).exists()


def _is_wanted(finding: Finding, paths: Collection[str]) -> bool:
    return not paths or any(_is_in(finding.path, path) for path in paths)


def _is_in(path: str, folder: str) -> bool:
    return folder in (".", path) or path.startswith(f"{folder}/")
