"""What the commands that edit have in common: arguments, and how an edit is written and told."""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from modelctl.cli import names
from modelctl.cli.parser import Parser
from modelctl.edit import operations, transaction
from modelctl.edit.overlay import Changes
from modelctl.edit.plan import Live, Plan, plan_edit
from modelctl.edit.text import Traffic, with_traffic
from modelctl.errors import EditRefusedError
from modelctl.repo import git, layout
from modelctl.repo.kinds import Serving
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree

NextTraffic = Callable[[Serving], Traffic]


def configure(parser: Parser) -> None:
    """Arguments of every command that edits a serving file."""
    parser.add_argument("model", metavar="MODEL", help="folder of the model below apps/")
    parser.add_argument("--env", required=True, help="environment to edit")
    add_commit(parser)


def add_commit(parser: Parser) -> None:
    """The arguments `--commit` and `--no-verify`."""
    parser.add_argument(
        "--commit", action="store_true", help="commit the edit with the conventional subject"
    )
    parser.add_argument(
        "--no-verify", action="store_true", help="with --commit: pass over git's commit hooks"
    )
    parser.goes_with("--no-verify", "--commit", "only a commit runs hooks")


def edit_traffic(arguments: argparse.Namespace, operation: str, after: NextTraffic) -> int:
    """Edit one serving file, render, check, and write or commit the result."""
    root = git.top_level(Path.cwd())
    pair = (arguments.model, arguments.env)
    with transaction.only_writer(root) as mended:
        say(mended)
        tree = WorkTree(root)
        files = load(tree).model(arguments.model)
        serving = files.servings.get(arguments.env)
        path = layout.serving_file(*pair)
        if serving is None:
            raise names.unserved(files, arguments.env)
        wanted = after(serving)
        text = with_traffic(files.documents[path], tree.read(path).decode(), wanted)
        live = Live(pair, operations.gaining(serving, wanted))
        plan = plan_edit(tree, {path: text.encode()}, [live])
        return write(arguments, root, plan, operations.subject(serving, wanted, operation))


def write(arguments: argparse.Namespace, root: Path, plan: Plan, subject: str) -> int:
    """Write or commit a plan, and say what was done."""
    apply(arguments, root, plan.changes, subject)
    for warning in plan.warnings:
        print(f"warning: {warning}")
    return 0


def apply(arguments: argparse.Namespace, root: Path, changes: Changes, subject: str) -> None:
    """Write or commit changes, and say which files that were."""
    if not changes:
        raise EditRefusedError("this is already the state of the repository; nothing to do")
    if arguments.commit:
        commit_id = transaction.commit(root, changes, subject, verify=not arguments.no_verify)
        print(f"committed {commit_id[:12]} {subject}")
        _say_where(root)
    else:
        transaction.write(root, changes, subject)
    for path, content in changes.items():
        print(f"  {'removed' if content is None else 'wrote'} {path}")


def say(words: Iterable[str]) -> None:
    """Tell what is no result on stderr."""
    for line in words:
        print(f"modelctl: {line}", file=sys.stderr)


def _say_where(root: Path) -> None:
    """Say so where the running engine follows another branch than the one committed to."""
    from modelctl.local.running import followed_branch  # noqa: PLC0415 - only after a commit

    followed, here = followed_branch(root), git.branch(root)
    if followed and followed != here:
        print(
            f"note: this is on {here.removeprefix('refs/heads/')}; `modelctl up` follows "
            f"{followed.removeprefix('refs/heads/')} and serves it once it is merged there"
        )
