"""Who served what when, from git alone: the past states of a serving file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modelctl.repo import git, layout, schema, typed
from modelctl.repo.documents import parse
from modelctl.repo.git import Commit
from modelctl.repo.kinds import Serving


@dataclass(frozen=True, slots=True)
class PastState:
    """The serving file that a commit put into force, and that commit."""

    commit: Commit
    serving: Serving


def states(
    root: Path, folder: str, environment: str, revision: str = "HEAD"
) -> Iterator[PastState]:
    """Each state of a serving file that was valid in form, newest first.

    A commit that removed the file, or left it broken, served nothing new and is passed over.
    """
    path = layout.serving_file(folder, environment)
    for commit in git.log(root, revision, path):
        serving = _serving(root, commit, path)
        if serving is not None:
            yield PastState(commit, serving)


def _serving(root: Path, commit: Commit, path: str) -> Serving | None:
    if not git.text(root, "ls-tree", commit.id, "--", path):
        return None
    content = git.run(root, "cat-file", "blob", f"{commit.id}:{path}")
    document, faults = parse(path, content)
    if document is None or faults or schema.violations("serving", document):
        return None
    _, folder, _, name = path.split("/")
    return typed.serving(folder, name.removesuffix(".yaml"), document.value)  # type: ignore[arg-type]  # an object, by its schema
