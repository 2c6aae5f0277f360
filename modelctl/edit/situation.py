"""A model in an environment as a rollback finds it: typed, applied, and as it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from modelctl.edit.past import AppliedState, past
from modelctl.render.served import Served, served
from modelctl.repo import git
from modelctl.repo.kinds import Serving
from modelctl.repo.layout import Pair, place
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles
from modelctl.repo.tree import Tree


@dataclass(frozen=True)
class Situation:
    """A model in an environment as it is: typed, applied, and as it was."""

    root: Path
    tree: Tree
    pair: Pair

    @cached_property
    def files(self) -> ModelFiles:
        """The model's files."""
        return load(self.tree).model(self.pair[0])

    @property
    def serving(self) -> Serving | None:
        """The serving file; None where it is absent or broken."""
        return self.files.servings.get(self.pair[1])

    @cached_property
    def generated(self) -> Mapping[str, bytes]:
        """What is applied, by path."""
        own = self.files.generated.items()
        return {path: content for path, content in own if place(path).pair == self.pair}

    @cached_property
    def served(self) -> Served | None:
        """What is applied; None where no route is."""
        return served(self.generated)

    @cached_property
    def weights(self) -> Mapping[str, int]:
        """The weights that are applied; those that are typed where nothing is."""
        typed = self.serving.weights if self.serving else {}
        return self.served.weights if self.served else typed

    @cached_property
    def past(self) -> Sequence[AppliedState]:
        """Every state that main had, newest first."""
        return tuple(past(self.root, self.pair)) if git.head(self.root) else ()

    @property
    def stable(self) -> str:
        """The stable release: as the route says, or said last; else as the file says."""
        named = self.served.stable if self.served else None
        typed = self.serving.stable if self.serving else ""
        if named or (named is None and typed):
            return named or typed
        return next((state.stable for state in self.past if state.stable), typed)
