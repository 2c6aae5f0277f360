"""What a tree has of models: how to tell one state from another, and what is applied."""

import hashlib
from collections.abc import Iterable, Mapping

from modelctl.local.plan.objects import model_plan, parse
from modelctl.local.plan.values import ModelPlan, PlanError
from modelctl.repo import layout
from modelctl.repo.commit_tree import CommitTree
from modelctl.repo.layout import Pair, place
from modelctl.repo.tree import Entry, Tree


def identities(tree: Tree) -> dict[str, str]:
    """By model, a digest of every file that belongs to it."""
    files: dict[str, list[tuple[str, Entry]]] = {}
    for path, entry in tree.entries.items():
        if model := place(path).model:
            files.setdefault(model, []).append((path, entry))
    return {model: digest(entries) for model, entries in files.items()}


def digest(entries: Iterable[tuple[str, Entry]]) -> str:
    """A name for some files as they are."""
    found = hashlib.sha256()
    for path, entry in entries:
        found.update(f"{path}\0{entry.kind}\0{entry.identity}\0".encode(errors="surrogateescape"))
    return found.hexdigest()


def applied_at(tree: Tree, pair: Pair) -> dict[str, str]:
    """By path, the identity of each generated file of a model in an environment."""
    folder, environment = pair
    paths = (
        layout.rendered_folder(folder, environment),
        layout.application_file(environment, folder),
    )
    below = {p: entry for path in paths for p, entry in tree.below(path).items()}
    return {path: entry.identity for path, entry in below.items() if place(path).pair == pair}


def artifacts_at(tree: Tree, paths: Iterable[str]) -> dict[str, str]:
    """By path, what is there; empty for nothing."""
    entries = ((path, tree.entry(path)) for path in paths)
    return {path: entry.identity if entry else "" for path, entry in entries}


def look_at(tree: Tree, paths: Iterable[str]) -> None:
    """Look at many paths of a commit at once; files on disk are as quick one by one."""
    if isinstance(tree, CommitTree):
        tree.look_at(paths)


def planned(name: str, applied: Mapping[str, bytes]) -> ModelPlan | PlanError | None:
    """The plan of what is applied, or what is wrong with that; None where nothing is."""
    try:
        return model_plan(name, (parse(p, c) for p, c in applied.items())) if applied else None
    except PlanError as error:
        return error
