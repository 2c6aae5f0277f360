"""A model in an environment as a rollback finds it: typed files, applied files, and the past."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from modelctl.render import applied
from modelctl.repo import git, history
from modelctl.repo.history import TrafficState
from modelctl.repo.kinds import Serving
from modelctl.repo.layout import Pair, place
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles
from modelctl.repo.tree import Tree


@dataclass(frozen=True)
class Situation:
    """A model in an environment: what is typed, what is applied, and what main had before."""

    root: Path
    tree: Tree
    pair: Pair

    @cached_property
    def files(self) -> ModelFiles:
        """The model's files."""
        return load(self.tree).model(self.pair[0])

    @property
    def serving(self) -> Serving | None:
        """The value of the serving file; None where it is absent or faulty."""
        return self.files.servings.get(self.pair[1])

    @cached_property
    def generated(self) -> Mapping[str, bytes]:
        """What is applied, by path."""
        own = self.files.generated.items()
        return {path: content for path, content in own if place(path).pair == self.pair}

    @cached_property
    def weights(self) -> Mapping[str, int]:
        """The weights that are applied; where no route is, those that are typed."""
        found = applied.weights(self.generated)
        typed = self.serving.weights if self.serving else {}
        return typed if found is None else found

    @property
    def runs(self) -> frozenset[str]:
        """The releases that anything is applied for."""
        return frozenset({place(path).release for path in self.generated} - {""})

    @cached_property
    def past(self) -> Sequence[TrafficState]:
        """Every state that main had, newest first."""
        return tuple(history.past(self.root, self.pair)) if git.head(self.root) else ()

    @property
    def stable(self) -> str:
        """The stable release, as the serving file says; where it is faulty, as it said last."""
        if self.serving is not None:
            return self.serving.stable
        return self.past[0].stable if self.past else ""
