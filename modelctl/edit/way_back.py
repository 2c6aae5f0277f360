"""Where a rollback leads: read from what is applied now and from what main has had.

In the middle of a shift it is the stable release, and no history is asked. Settled, the stable
releases of the main line are read as a path: arriving at one that is on the path cuts the path
back to it, whether by rollback, by revert or by hand. The way back is the one before the current.
A release is its content, never its number.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelctl.edit.past import AppliedState, Ran, shares
from modelctl.repo import git_objects, layout
from modelctl.repo.identity import release_identity
from modelctl.repo.layout import Kind, Pair, place

WHOLE = 100  # percent: the weight of a release that has all the traffic


@dataclass(frozen=True, slots=True)
class Station:
    """A release that was stable: its name, the blob of its file, and what that comes down to.

    `ran` has all that was applied for it while its file came down to the same.
    """

    release: str
    blob: str
    identity: str
    ran: frozenset[Ran]


@dataclass(frozen=True, slots=True)
class Target:
    """A release to go back to; `content` is that of its file, None where today's is right.

    `ran` has what was applied for it when it served; empty where that does not matter.
    """

    release: str
    content: bytes | None = None
    ran: frozenset[Ran] = frozenset()


def is_settled(stable: str, weights: Mapping[str, int]) -> bool:
    """Whether the stable release has all the traffic that is applied, whatever it adds up to."""
    return {stable} == shares(weights).keys()


def path_of(root: Path, states: Sequence[AppliedState]) -> list[Station]:
    """The stable releases of the main line, oldest first, the current one last.

    `states` come newest first, as history gives them.
    """
    stations = list(_stations(states))
    contents = git_objects.read_blobs(root, sorted({blob for _, blob, _ in stations}))
    identities = {blob: release_identity(content) for blob, content in contents.items()}
    path: list[Station] = []
    served: dict[str, frozenset[Ran]] = {}
    for release, blob, ran in stations:
        identity = identities[blob]
        served[identity] = served.get(identity, frozenset()) | {ran}
        known = [index for index, other in enumerate(path) if other.identity == identity]
        if known:
            del path[known[0] :]
        path.append(Station(release, blob, identity, served[identity]))
    return path


def _stations(states: Sequence[AppliedState]) -> Iterator[tuple[str, str, Ran]]:
    """Each release that became stable, the blob of its file, and what was applied for it.

    The file is the one that it was applied from: as it was when these bytes came. Where it was
    edited since, or is gone, that never served.
    """
    files: dict[str, str] = {}  # by release, as it is or last was
    sources: dict[tuple[str, Ran], str | None] = {}
    before: tuple[str, Ran] | None = None
    for state in reversed(states):
        for path, blob in state.files.blobs.items():
            where = place(path)
            if where.kind is Kind.RELEASE:
                files[where.release] = blob
        for release in state.weights:
            sources.setdefault((release, state.ran(release)), files.get(release))
        now = state.stable, state.ran(state.stable)
        source = sources.get(now)
        if source is not None and now[1] and now != before:
            yield state.stable, source, now[1]
            before = now


def last_blob(states: Iterable[AppliedState], pair: Pair, release: str) -> str | None:
    """The file of a release as it was when it was last deployed, whatever its weight."""
    path = layout.release_file(pair[0], release)
    deployed = (state.files.blobs for state in states if release in state.weights)
    return next((blobs[path] for blobs in deployed if path in blobs), None)
