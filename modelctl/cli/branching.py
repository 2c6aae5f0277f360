"""Work on a branch of its own, and the text of a pull request about it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from modelctl.cli.parser import Parser
from modelctl.errors import UsageError
from modelctl.repo import git

Configure = Callable[[Parser], None]


@contextmanager
def on_branch(root: Path, name: str | None) -> Iterator[str]:
    """Hold a new branch checked out while something is committed; yields the commit it begins at.

    That is empty where no branch is asked.

    If that fails, the branch that was checked out before is again, and the new one is gone.

    Raises:
        UsageError: The branch is there already, or HEAD is on none.
    """
    if name is None:
        yield ""
        return
    before = git.branch(root).removeprefix("refs/heads/")
    if not (before and git.head(root)):
        raise UsageError(
            "found no commit on a branch, expected one to begin from: see `git status`"
        )
    if git.text(root, "branch", "--list", name):
        raise UsageError(f"--branch: found the branch {name} already, expected a new name")
    begun = git.head(root)
    git.run(root, "switch", "--quiet", "--create", name)
    try:
        yield begun
    except BaseException:
        git.run(root, "switch", "--quiet", before)
        git.run(root, "branch", "--quiet", "--delete", "--force", name)
        raise


def pull_request(
    root: Path, begun: str, lines: Sequence[str], provenance: Mapping[str, object]
) -> str:
    """The text of a pull request for what was committed since then."""
    subject = git.text(root, "log", "--reverse", "--format=%s", f"{begun}..HEAD").splitlines()[0]
    branch = git.branch(root).removeprefix("refs/heads/")
    story = [f"- {name}: {_words(value)}" for name, value in provenance.items()]
    return "\n".join(
        [
            f"# {subject}",
            "",
            "## What was proven",
            "```",
            *lines,
            "```",
            "",
            "## Where it comes from",
            *story,
            "",
            "## What to look at",
            "The contract in `apps/`, the loss above, and `modelctl diff` for what the merge does.",
            f"Open it with `git push -u origin {branch}`.",
            "",
        ]
    )


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
