"""What the commands that edit have in common: arguments, and how an edit is written and told."""

import argparse
from collections.abc import Callable
from pathlib import Path

from modelctl.cli import names
from modelctl.edit import operations, workspace
from modelctl.edit.text import Traffic, with_traffic
from modelctl.errors import EditRefusedError
from modelctl.repo import git, layout
from modelctl.repo.kinds import Serving
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree

NextTraffic = Callable[[Path, Serving], Traffic]


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments of every command that edits a serving file."""
    parser.add_argument("model", metavar="MODEL", help="folder of the model below apps/")
    parser.add_argument("--env", required=True, help="environment to edit")
    add_commit(parser)


def add_commit(parser: argparse.ArgumentParser) -> None:
    """The argument `--commit`."""
    parser.add_argument(
        "--commit", action="store_true", help="commit the edit with the conventional subject"
    )


def edit_traffic(arguments: argparse.Namespace, operation: str, after: NextTraffic) -> int:
    """Edit one serving file, render, check, and write or commit the result."""
    root = git.top_level(Path.cwd())
    with workspace.only_writer(root):
        path = layout.serving_file(arguments.model, arguments.env)
        tree = WorkTree(root)
        repository = load(tree)
        serving = repository.servings.get((arguments.model, arguments.env))
        if serving is None:
            raise names.unserved(repository, arguments.model, arguments.env)
        wanted = after(root, serving)
        text = with_traffic(repository.documents[path], tree.read(path).decode(), wanted)
        subject = operations.subject(serving, wanted, operation)
        return write(root, {path: text.encode()}, subject, commit=arguments.commit)


def write(root: Path, typed: workspace.Changes, subject: str, *, commit: bool) -> int:
    """Plan an edit from typed files, then write or commit it, and say what was done."""
    edit = workspace.plan_edit(root, typed)
    changed = {
        path: content
        for path, content in edit.changes.items()
        if content != _bytes_now(root / path)
    }
    if not changed:
        raise EditRefusedError("this is already the state of the repository; nothing to do")
    if commit:
        workspace.refuse_uncommitted(root, list(edit.changes))
        identity = edit.commit(subject)
        print(f"committed {identity[:12]} {subject}")
    else:
        edit.write()
    for path, content in changed.items():
        print(f"  {'removed' if content is None else 'wrote'} {path}")
    for warning in edit.warnings:
        print(f"warning: {warning}")
    return 0


def _bytes_now(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
