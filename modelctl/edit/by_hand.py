"""Generated files that somebody has edited: rendering would not have made them as they are."""

from collections.abc import Iterable
from pathlib import Path

from modelctl.render import drift
from modelctl.repo import git
from modelctl.repo.commit_tree import CommitTree
from modelctl.repo.layout import GENERATED, place
from modelctl.repo.loading import load


def edited_by_hand(root: Path, paths: Iterable[str], base: str) -> list[str]:
    """Those of the generated files that a commit since `base` left unlike what it renders to.

    A file that only is behind its typed files was not edited: its last commit rendered it.
    """
    start = git.text(root, "merge-base", git.resolve(root, base), "HEAD")
    return sorted(
        path
        for path in paths
        if place(path).kind in GENERATED and _is_by_hand(root, path, f"{start}..HEAD")
    )


def _is_by_hand(root: Path, path: str, line: str) -> bool:
    last = next(git.log(root, line, path, limit=1), None)
    if last is None:
        return False
    tree = CommitTree(root, last.id)
    repository, where = load(tree), place(path)
    expected = drift.expected_shared(repository, exact=True)
    if where.model:
        expected = drift.expected(repository.model(where.model))
    there = tree.read(path) if tree.entry(path) is not None else None
    return expected.get(path) != there
