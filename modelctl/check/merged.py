"""What two changes do to one another: the findings of a line once its base is merged into it."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from modelctl.check.change import Change
from modelctl.check.engine import check, errors
from modelctl.errors import GitError
from modelctl.finding import Finding
from modelctl.repo import git_objects
from modelctl.repo.commit_tree import CommitTree
from modelctl.repo.layout import ROOTS
from modelctl.repo.loading import load


def findings_once_merged(
    root: Path, ours: str, theirs: str, known: Collection[Finding]
) -> Iterator[Finding]:
    """The errors that a commit has only once it is merged into another one.

    Where the two conflict there is none: git says that itself, and nothing is merged.
    """
    try:
        merged = git_objects.merged(root, ours, theirs)
    except GitError:
        return
    paths = frozenset(git_objects.differing_paths(root, theirs, merged, *ROOTS))
    tree = CommitTree(root, merged, is_resolved=True)
    change = Change(root, theirs, tree, paths)
    alone = {(finding.rule, finding.path, finding.message) for finding in known}
    for finding in errors(check(load(tree), change.folders, change)):
        if (finding.rule, finding.path, finding.message) not in alone:
            yield replace(finding, remedy=f"{finding.remedy}; it shows once this is merged")
