"""Which releases served with which weights at which time, read from git alone.

Only the main line counts, the line of first parents: a release that had traffic on a side branch
never served. States are compared by git's object names, so nothing is read to compare them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path

from modelctl.repo import git, git_objects, layout
from modelctl.repo.documents import parse
from modelctl.repo.git import Commit
from modelctl.repo.identity import release_identity
from modelctl.repo.layout import GENERATED, Pair, place

Blobs = Mapping[str, str]  # by path, the name of the bytes that are there


@dataclass(frozen=True, slots=True)
class FileState:
    """Some files as a commit of the main line left them, by path and blob."""

    commit: Commit
    blobs: Blobs

    @property
    def generated(self) -> Blobs:
        """The generated files alone: what was applied to the cluster, or run by an engine."""
        return generated_of(self.blobs)


def generated_of(blobs: Blobs) -> Blobs:
    """The generated files among some: what is applied."""
    return {path: blob for path, blob in blobs.items() if place(path).kind in GENERATED}


def paths_of(pair: Pair) -> tuple[str, ...]:
    """The files and folders that decide what a model serves in an environment."""
    folder, environment = pair
    return (
        layout.serving_file(folder, environment),
        f"{layout.APPS}/{folder}/releases",
        *generated_paths_of(pair),
    )


def generated_paths_of(pair: Pair) -> tuple[str, ...]:
    """The folder and the file that the renderer writes for a model in an environment."""
    folder, environment = pair
    return (
        layout.rendered_folder(folder, environment),
        layout.application_file(environment, folder),
    )


def states(root: Path, revision: str, *paths: str) -> Iterator[FileState]:
    """Each state of the main line that differs from the one before it, newest first."""
    now = git_objects.blobs(root, revision, *paths)
    for each in git.main_line(root, revision, *paths):
        yield FileState(each.commit, dict(now))
        for path, (before, _) in each.changed.items():
            if before is None:
                now.pop(path, None)
            else:
                now[path] = before


def former(root: Path, revision: str, pair: Pair, applied: Blobs) -> Commit | None:
    """The newest commit of the main line that applied just these bytes before others were.

    None where they are new, or are those of `revision` itself and never were there before. Where
    nothing is applied any more, as before the model came, it is the commit that brought it.
    """
    return formers(root, revision, {pair: applied}).get(pair)


def formers(root: Path, revision: str, applied: Mapping[Pair, Blobs]) -> dict[Pair, Commit]:
    """The same for many pairs of a model and an environment, in one pass over the history."""
    paths = [path for pair in applied for path in generated_paths_of(pair)]
    if not paths:
        return {}
    sought = {pair: _Sought(blobs) for pair, blobs in applied.items()}
    for path, blob in git_objects.blobs(root, revision, *paths).items():
        if (pair := place(path).pair) in sought:
            sought[pair].now[path] = blob
    found: dict[Pair, Commit] = {}
    for each in git.main_line(root, revision, *paths):
        for pair in sought.keys() & {place(path).pair for path in each.changed}:
            if sought[pair].is_back():
                found[pair] = each.commit
                del sought[pair]
            else:
                sought[pair].go_back(each, pair)
        if not sought:
            return found
    gone = {pair: s.oldest for pair, s in sought.items() if s.interrupted and not s.applied}
    known = {} if not gone or git.is_shallow(root) else gone
    return found | {pair: commit for pair, commit in known.items() if commit}


@dataclass(slots=True)
class _Sought:
    """On the way back through the history: what a pair had applied at a commit."""

    applied: Blobs
    now: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False
    oldest: Commit | None = None

    def is_back(self) -> bool:
        """Whether it has come to the bytes that are sought, after others."""
        is_same = self.now == self.applied
        self.interrupted = self.interrupted or not is_same
        return is_same and self.interrupted

    def go_back(self, step: git.MainLineCommit, pair: Pair) -> None:
        """Take it to what was there before a commit."""
        self.oldest = step.commit
        for path, (before, _) in step.changed.items():
            if place(path).pair == pair:
                self.now.pop(path, None)
                self.now |= {path: before} if before else {}


@dataclass(frozen=True, slots=True)
class TrafficState:
    """The files of a model in an environment at a commit, and the traffic they asked for."""

    files: FileState
    stable: str
    weights: Mapping[str, int]

    @property
    def commit(self) -> Commit:
        """The commit that put the state into force."""
        return self.files.commit


def past(root: Path, pair: Pair, revision: str = "HEAD") -> Iterator[TrafficState]:
    """Each state of a model in an environment that said who serves, newest first.

    A commit that removed the serving file, or left it unreadable, served nothing new and is passed
    over. The whole history costs two git processes.
    """
    path = layout.serving_file(*pair)
    return _told(root, path, list(states(root, revision, *paths_of(pair))))


def traffic_changes(
    root: Path, folder: str, environments: Iterable[str], revision: str = "HEAD"
) -> Mapping[str, list[TrafficState]]:
    """By environment, the states whose serving file differs from the one before, newest first.

    The history is read once for all environments.
    """
    paths = {environment: layout.serving_file(folder, environment) for environment in environments}
    found = list(states(root, revision, *paths.values())) if paths else []
    return {
        environment: list(_changes(path, list(_told(root, path, found))))
        for environment, path in paths.items()
    }


def _told(root: Path, path: str, found: Sequence[FileState]) -> Iterator[TrafficState]:
    """Those of some states that have a serving file at a path that can be read."""
    found = [state for state in found if path in state.blobs]
    contents = git_objects.read_blobs(root, sorted({state.blobs[path] for state in found}))
    read = {blob: asked_for(path, content) for blob, content in contents.items()}
    for state in found:
        traffic = read[state.blobs[path]]
        if traffic is not None:
            yield TrafficState(state, *traffic)


def _changes(path: str, found: Sequence[TrafficState]) -> Iterator[TrafficState]:
    for state, before in zip_longest(found, found[1:]):
        if before is None or state.files.blobs[path] != before.files.blobs[path]:
            yield state


def release_identities(
    root: Path, folder: str, release: str, revision: str = "HEAD"
) -> frozenset[str]:
    """The identities that a release has had on the main line, one for each content of its file."""
    path = layout.release_file(folder, release)
    blobs = {s.blobs[path] for s in states(root, revision, path) if path in s.blobs}
    return frozenset(map(release_identity, git_objects.read_blobs(root, sorted(blobs)).values()))


def most_traffic(root: Path, pair: Pair, revision: str = "HEAD") -> Mapping[str, int]:
    """By identity of a release, the most weight that it was deployed with in the environment."""
    found = [
        (blob, weight)
        for state in past(root, pair, revision)
        for release, weight in state.weights.items()
        if (blob := state.files.blobs.get(layout.release_file(pair[0], release)))
        and any(place(path).release == release for path in state.files.generated)
    ]
    contents = git_objects.read_blobs(root, sorted({blob for blob, _ in found}))
    most: dict[str, int] = {}
    for blob, weight in sorted(found, key=lambda each: each[1]):
        most[release_identity(contents[blob])] = weight
    return most


@lru_cache(maxsize=1024)  # the states of a long history have few serving files
def asked_for(path: str, content: bytes) -> tuple[str, Mapping[str, int]] | None:
    """Stable release and weights of a serving file; None where they cannot be read for certain."""
    document, faults = parse(path, content)
    fields = document.value if document is not None and not faults else None
    if not isinstance(fields, dict):
        return None
    stable, weights = fields.get("stable"), fields.get("weights")
    if not isinstance(stable, str) or not isinstance(weights, dict):
        return None
    return (stable, weights) if all(isinstance(w, int) for w in weights.values()) else None
