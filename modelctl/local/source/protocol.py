"""What a repository that is followed has to answer, wherever it lies."""

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from modelctl.repo.git import Commit
from modelctl.repo.layout import Pair
from modelctl.repo.tree import Tree

Applied = Mapping[Pair, Mapping[str, bytes]]  # by model and environment, then by path
Stopped = Callable[[], bool]


def never() -> bool:
    """A search that goes on to its end."""
    return False


class Source(Protocol):
    """A repository that changes; every method may block, and raises `GitError` if git fails."""

    @property
    def name(self) -> str:
        """What is followed, for a person: branch and repository."""

    @property
    def every_s(self) -> float:
        """How often it is worth asking for the revision where no event tells of a change."""

    @property
    def settle_s(self) -> float:
        """How long nothing must have changed after a change before it is worth asking."""

    def folders(self) -> Collection[Path]:
        """The folders in which something changes whenever the revision does; empty for none."""

    def revision(self) -> str:
        """The revision that the repository has now."""

    def known_revision(self) -> str:
        """The revision that it had last, as far as that is known here without asking anybody."""

    def tree(self, revision: str) -> Tree:
        """The files of a revision."""

    def tree_beside(self, revision: str) -> Tree:
        """The same for a single look at another revision than the newest."""

    def describe(self, revision: str) -> Commit:
        """Author, time and subject of a revision."""

    def history(self, revision: str, path: str, limit: int) -> tuple[Commit, ...]:
        """The last commits up to a revision that touched anything below `path`."""

    def follows(self, revision: str, earlier: str) -> bool:
        """Whether a revision was made on top of an earlier one."""

    def last_commits(
        self,
        revision: str,
        models: Iterable[str],
        *,
        limit: int | None = None,
        stopped: Stopped = never,
    ) -> dict[str, Commit]:
        """By model, the last commit up to a revision that touched it, by one look back.

        Those that are not among the last `limit` that touched any model are left out.
        """

    def formers(self, revision: str, applied: Applied) -> dict[Pair, Commit]:
        """By model and environment, the commit that applied just these bytes before others were."""
