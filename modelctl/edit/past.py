"""What main has had of a model in an environment, with the traffic that was applied.

The serving file of a state may have asked for something else, or may have been broken: it counts
only where the route does not say.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from modelctl.render.served import Served, is_route, served_by
from modelctl.repo import git_objects, history, layout
from modelctl.repo.history import FileState
from modelctl.repo.layout import GENERATED, Pair, place

Ran = frozenset[str]  # the names of the bytes that were applied for one release alone


@dataclass(frozen=True)
class AppliedState:
    """A state that main had, and who got the traffic; `stable` is empty where nobody was.

    `find_as_typed` says whether its serving file asked for the same.
    """

    files: FileState
    stable: str
    weights: Mapping[str, int]
    find_as_typed: Callable[["AppliedState"], bool] = field(repr=False)

    @cached_property
    def is_as_typed(self) -> bool:
        """Whether its serving file asked for the same; the file is read when that is asked."""
        return self.find_as_typed(self)

    @property
    def commit(self) -> str:
        """The commit that put the state into force."""
        return self.files.commit.id

    def ran(self, release: str) -> Ran:
        """What was applied for a release alone."""
        return frozenset(self._ran.get(release, ()))

    @cached_property
    def _ran(self) -> Mapping[str, list[str]]:
        """By release, the names of the bytes that were applied for it."""
        found: dict[str, list[str]] = {}
        for path, blob in self.files.blobs.items():
            where = place(path)
            if where.kind in GENERATED:
                found.setdefault(where.release, []).append(blob)
        return found


def past(root: Path, pair: Pair) -> Iterator[AppliedState]:
    """Each state that main had, newest first; one that says nowhere who serves is passed over."""
    states = list(history.states(root, "HEAD", *history.paths_of(pair)))
    typed = _Typed(root, layout.serving_file(*pair), states)
    routes = [_route(state) for state in states]
    contents = git_objects.read_blobs(root, sorted({blob for blob in routes if blob}))
    for state, blob in zip(states, routes, strict=True):
        found = _past(state, served_by(contents[blob]) if blob else None, typed)
        if found is not None:
            yield found


def _route(state: FileState) -> str | None:
    return next((blob for path, blob in state.blobs.items() if is_route(path)), None)


def _past(state: FileState, served: Served | None, typed: "_Typed") -> AppliedState | None:
    if served is not None and served.stable is not None:
        return AppliedState(state, served.stable, served.weights, typed.asks_for_the_same)
    asked = typed.asked(state)
    if asked is None:
        return None
    stable, weights = asked
    if served is None:
        return AppliedState(state, stable, weights, lambda _: False)
    return AppliedState(state, stable, served.weights, lambda _: True)


@dataclass(frozen=True)
class _Typed:
    """The serving files of some states, read all at once when the first one is asked about."""

    root: Path
    path: str
    states: Sequence[FileState]

    def asked(self, state: FileState) -> tuple[str, Mapping[str, int]] | None:
        """Stable release and weights that a state asked for; None where that cannot be read."""
        blob = state.blobs.get(self.path)
        return history.asked_for(self.path, self._contents[blob]) if blob else None

    def asks_for_the_same(self, state: AppliedState) -> bool:
        """Whether what a state asked for is what was applied."""
        asked = self.asked(state.files)
        served = state.stable, shares(state.weights)
        return asked is not None and (asked[0], shares(asked[1])) == served

    @cached_property
    def _contents(self) -> Mapping[str, bytes]:
        blobs = {state.blobs[self.path] for state in self.states if self.path in state.blobs}
        return git_objects.read_blobs(self.root, sorted(blobs))


def shares(weights: Mapping[str, int]) -> dict[str, int]:
    """The weights of the releases that get anything."""
    return {release: weight for release, weight in weights.items() if weight}
