"""What main has had of a model in an environment, with the traffic that was applied.

The serving file of a state may have asked for something else, or may have been broken: it counts
only where the route does not say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from modelctl.render import applied
from modelctl.repo import git, history, layout
from modelctl.repo.history import FileState
from modelctl.repo.layout import Pair, place

Ran = frozenset[str]  # the names of the bytes that were applied for one release alone


@dataclass(frozen=True, slots=True)
class AppliedState:
    """A state that main had, and who got the traffic; `stable` is empty where nobody was.

    `is_as_typed` is whether its serving file asked for the same.
    """

    files: FileState
    stable: str
    weights: Mapping[str, int]
    is_as_typed: bool

    @property
    def commit(self) -> str:
        """The commit that put the state into force."""
        return self.files.commit.id

    def ran(self, release: str) -> Ran:
        """What was applied for a release alone."""
        own = self.files.generated.items()
        return frozenset(blob for path, blob in own if place(path).release == release)


def past(root: Path, pair: Pair) -> Iterator[AppliedState]:
    """Each state that main had, newest first; one that says nowhere who serves is passed over."""
    serving = layout.serving_file(*pair)
    states = list(history.states(root, "HEAD", *history.paths_of(pair)))
    told = [
        {p: blob for p, blob in state.blobs.items() if p == serving or applied.is_route(p)}
        for state in states
    ]
    contents = git.read_blobs(root, sorted({blob for blobs in told for blob in blobs.values()}))
    for state, blobs in zip(states, told, strict=True):
        found = _past(state, serving, {path: contents[blob] for path, blob in blobs.items()})
        if found is not None:
            yield found


def _past(state: FileState, serving: str, files: Mapping[str, bytes]) -> AppliedState | None:
    asked = history.asked_for(serving, files[serving]) if serving in files else None
    served = applied.served(files)
    if served is None:
        return AppliedState(state, *asked, is_as_typed=False) if asked else None
    if served.stable is None:
        return AppliedState(state, asked[0], served.weights, is_as_typed=True) if asked else None
    found = served.stable, shares(served.weights)
    is_as_typed = asked is not None and found == (asked[0], shares(asked[1]))
    return AppliedState(state, served.stable, served.weights, is_as_typed)


def shares(weights: Mapping[str, int]) -> dict[str, int]:
    """The weights of the releases that get anything."""
    return {release: weight for release, weight in weights.items() if weight}
