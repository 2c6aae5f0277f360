"""What the commands have in common that add an item to a list which all models share."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelctl.cli import editing
from modelctl.edit import additions, transaction
from modelctl.edit.plan import plan_shared
from modelctl.errors import UsageError
from modelctl.repo import git
from modelctl.repo.loading import load
from modelctl.repo.repository import Repository
from modelctl.repo.tree import WorkTree


@dataclass(frozen=True, slots=True)
class Item:
    """A new item: the file and the list that it goes into, its name, and its lines."""

    path: str
    key: str
    name: str
    lines: Sequence[str]


def add(
    arguments: argparse.Namespace,
    new: Item,
    subject: str,
    refuse: Callable[[Repository], None] = lambda _: None,
    beside: Mapping[str, bytes] | None = None,
) -> int:
    """Write or commit the item, what is rendered of it, and the files `beside` that are missing.

    Raises:
        UsageError: The name is there already, or the file cannot be read.
    """
    root = git.top_level(Path.cwd())
    with transaction.only_writer(root) as mended:
        editing.say(mended)
        tree = WorkTree(root)
        repository = load(tree)
        document = repository.documents.get(new.path)
        if document is None or any(fault.path == new.path for fault in repository.faults):
            faults = [str(fault) for fault in repository.faults if fault.path == new.path]
            raise UsageError("; ".join(faults) or _missing(new))
        if new.name in additions.named(document, new.key):
            raise UsageError(f"{new.path}: found {new.name} already: edit it there, then render")
        refuse(repository)
        text = additions.with_item(document, tree.read(new.path).decode(), new.key, new.lines)
        missing = {p: c for p, c in (beside or {}).items() if tree.entry(p) is None}
        plan = plan_shared(tree, {**missing, new.path: text.encode()})
        return editing.write(arguments, root, plan, subject)


def _missing(new: Item) -> str:
    lines = "\n".join([f"{new.key}:", *additions.item(new.lines)])
    return f"{new.path}: found no such file, expected the list of {new.key}; write it:\n{lines}"
