"""The last commit of each of many models, found in one pass over the history.

What is found is what `git log -1 -- apps/<model>` gives, without a process for every model.
"""

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from modelctl.repo import git, layout
from modelctl.repo.git import Commit

Stopped = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Touching:
    """A commit of the main line, and the paths in which it differs from its first parent."""

    commit: Commit
    is_merge: bool
    paths: tuple[str, ...]


def last_commits(
    folder: Path,
    revision: str,
    models: Iterable[str],
    *,
    limit: int | None = None,
    stopped: Stopped = lambda: False,
) -> dict[str, Commit]:
    """By model, the last commit up to a revision that touched anything in its folder.

    One git process reads the main line until every model is found; where a merge brought a
    change, a second one that begins at the merge finds who made it. After `limit` commits that
    touched any model, or once `stopped`, what is found so far is given.
    """
    sought = set(models)
    found: dict[str, Commit] = {}
    with closing(_main_line(folder, revision, limit)) as touching:
        while sought and not stopped() and (step := next(touching, None)) is not None:
            touched = sought.intersection(layout.place(path).model for path in step.paths)
            for model in touched:
                found[model] = _within(folder, model, step) if step.is_merge else step.commit
            sought -= touched
    return found


def _within(folder: Path, model: str, merge: _Touching) -> Commit:
    """The commit that a merge brought; the merge itself where it made something new of several."""
    path = layout.model_folder(model)
    return next(git.log(folder, merge.commit.id, path, limit=1), merge.commit)


def _main_line(folder: Path, revision: str, limit: int | None) -> Generator[_Touching]:
    """The commits of the main line that touched any model, newest first."""
    bound = [f"--max-count={limit}"] if limit else []
    fields = git.stream(
        folder, "log", "--first-parent", "-m", "--name-only", "-z", "--root", "--no-renames",
        "--no-follow", "--format=%H%x00%P%x00%an%x00%cI%x00%s", *bound, "--end-of-options",
        revision, "--", layout.APPS,
    )  # fmt: skip
    with closing(fields):
        token = next(fields, "")
        while token:
            commit, parents = token, next(fields)
            told = Commit(commit, next(fields), next(fields), next(fields))
            paths: list[str] = []
            # No name of a commit begins like a path: it has hexadecimal digits alone.
            while (token := next(fields, "").lstrip("\n")).startswith(layout.APPS):
                paths.append(token)
            yield _Touching(told, " " in parents, tuple(paths))
