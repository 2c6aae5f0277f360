"""Who served what when, from git alone: the past states of a serving file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modelctl import git, layout, schema, typed
from modelctl.documents import parse
from modelctl.edit import Traffic
from modelctl.git import Commit


@dataclass(frozen=True, slots=True)
class PastState:
    """The traffic that a commit put into force, and that commit."""

    commit: Commit
    traffic: Traffic


def states(
    root: Path, folder: str, environment: str, revision: str = "HEAD"
) -> Iterator[PastState]:
    """Each state of a serving file that was valid in form, newest first.

    A commit that removed the file, or left it broken, served nothing new and is passed over.
    """
    path = layout.serving_file(folder, environment)
    for commit in git.log(root, revision, path):
        traffic = _traffic(root, commit, path)
        if traffic is not None:
            yield PastState(commit, traffic)


def _traffic(root: Path, commit: Commit, path: str) -> Traffic | None:
    if not git.text(root, "ls-tree", commit.id, "--", path):
        return None
    content = git.run(root, "cat-file", "blob", f"{commit.id}:{path}")
    document, faults = parse(path, content)
    if document is None or faults or schema.violations("serving", document):
        return None
    _, folder, _, name = path.split("/")
    serving = typed.serving(folder, name.removesuffix(".yaml"), document.value)  # type: ignore[arg-type]  # an object, by its schema
    return Traffic(serving.stable, dict(serving.weights))
