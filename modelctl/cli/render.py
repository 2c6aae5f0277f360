"""`modelctl render`: write, or compare, every generated file."""

import argparse
from contextlib import ExitStack
from pathlib import Path

from modelctl.cli import editing
from modelctl.cli.parser import Parser
from modelctl.edit import transaction
from modelctl.edit.by_hand import edited_by_hand
from modelctl.errors import EditRefusedError
from modelctl.finding import Finding
from modelctl.render import codeowners, drift
from modelctl.repo import git
from modelctl.repo.layout import Kind, place
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree
from modelctl.starter import files as starter

_NOT_RENDERED_FROM = frozenset({Kind.PLATFORM})


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 on a difference"
    )
    parser.add_argument(
        "--since", metavar="REF",
        help="write nothing over a file that was edited by hand since this line left REF",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Write what differs, or say what would be written."""
    root = git.top_level(Path.cwd())
    with ExitStack() as held:
        if not arguments.check:  # reading needs no lock, and no folder that can be written
            editing.say(held.enter_context(transaction.only_writer(root)))
        changes, faults = _changes(root)
        if arguments.since:
            _refuse_by_hand(root, changes, arguments.since)
        if changes and not arguments.check:
            transaction.write(root, changes, "render")
    arguments.wrote = bool(changes) and not arguments.check  # else there is no next step
    done = ("stale", "orphan") if arguments.check else ("wrote", "removed")
    for path, content in changes.items():
        print(f"{done[content is None]} {path}")
    for fault in faults:
        print(f"not rendered: {fault}")
    failed = bool(faults) or (arguments.check and bool(changes))
    return 1 if failed else 0


def _changes(root: Path) -> tuple[dict[str, bytes | None], list[Finding]]:
    """What differs, and the faults that keep something from being rendered."""
    tree = WorkTree(root)
    _ = tree.entries  # all of them at once, not model by model
    repository = load(tree)
    faults = [f for f in repository.faults if place(f.path).kind not in _NOT_RENDERED_FROM]
    changes = drift.shared_changes(repository, exact=True)
    for folder in repository.folders:
        files = repository.model(folder)
        faults += files.faults
        changes |= drift.render_changes(files)
    changes |= codeowners.changes(tree, repository)
    return changes | _schemas(tree), faults


def _schemas(tree: WorkTree) -> dict[str, bytes]:
    """The schemas that editors find beside typed files, where they are another version's."""
    own = starter.schemas().items()
    there = {path: tree.read(path) for path, _ in own if tree.entry(path) is not None}
    return {path: content for path, content in own if there.get(path, content) != content}


def _refuse_by_hand(root: Path, changes: dict[str, bytes | None], base: str) -> None:
    edited = edited_by_hand(root, changes, base)
    if edited:
        named = "\n  ".join(edited)
        raise EditRefusedError(
            f"nothing was written; these generated files were edited by hand since {base}, "
            f"expected only typed ones to be:\n  {named}\n"
            "take those lines back, or run `modelctl render` without --since"
        )
