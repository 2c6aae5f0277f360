"""Where a rollback leads: read from what is applied now and from what main has had.

In the middle of a shift it is the stable release, and no history is asked. Settled, the stable
releases of the main line are read as a path: arriving at one that is on the path cuts the path
back to it, whether by rollback, by revert or by hand. The way back is the one before the current.
A release is its content, never its number.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelctl.repo import git, layout
from modelctl.repo.history import TrafficState
from modelctl.repo.identity import release_identity
from modelctl.repo.layout import Pair

WHOLE = 100  # percent: the weight of a release that has all the traffic


@dataclass(frozen=True, slots=True)
class Station:
    """A release that was stable: its name, the blob of its file, and its identity.

    Two files with the same identity mean the same release, see `release_identity`.
    """

    release: str
    blob: str
    identity: str


def is_settled(stable: str, weights: Mapping[str, int]) -> bool:
    """Whether the stable release has all the traffic that is applied."""
    return weights.get(stable) == WHOLE


def path_of(root: Path, pair: Pair, states: Sequence[TrafficState]) -> list[Station]:
    """The stable releases of the main line, oldest first, the current one last.

    `states` come newest first, as history gives them.
    """
    wanted = {blob for state in states if (blob := _stable_blob(pair, state))}
    contents = git.read_blobs(root, sorted(wanted))
    identities = {blob: release_identity(content) for blob, content in contents.items()}
    path: list[Station] = []
    ran: tuple[str, frozenset[str]] | None = None
    for state in reversed(states):
        blob, runs = _stable_blob(pair, state), (state.stable, _applied_of(state))
        if blob is None or runs == ran:
            continue  # a file that was edited, and never applied, did not serve
        ran = runs
        station = Station(state.stable, blob, identities[blob])
        known = [index for index, other in enumerate(path) if other.identity == station.identity]
        if known:
            del path[known[0] :]
        path.append(station)
    return path


def last_blob(states: Iterable[TrafficState], pair: Pair, release: str) -> str | None:
    """The blob of a release's file when the release was last deployed, whatever its weight."""
    path = layout.release_file(pair[0], release)
    deployed = (state.files.blobs for state in states if release in state.weights)
    return next((blobs[path] for blobs in deployed if path in blobs), None)


def _applied_of(state: TrafficState) -> frozenset[str]:
    """The blobs of the generated files that belong to the stable release alone."""
    places = ((layout.place(path), blob) for path, blob in state.files.blobs.items())
    return frozenset(
        blob
        for where, blob in places
        if where.release == state.stable and where.kind in layout.GENERATED
    )


def _stable_blob(pair: Pair, state: TrafficState) -> str | None:
    return state.files.blobs.get(layout.release_file(pair[0], state.stable))
