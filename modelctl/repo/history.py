"""Who served what when, from git alone: the past states of a model in an environment.

Only the main line counts, the line of first parents: a release that had traffic on a side branch
never served. States are compared by git's object names, so nothing is read to compare them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path

from modelctl.repo import git, layout
from modelctl.repo.documents import parse
from modelctl.repo.git import Commit
from modelctl.repo.layout import GENERATED, Pair, place

Blobs = Mapping[str, str]  # by path, the name of the bytes that are there


@dataclass(frozen=True, slots=True)
class State:
    """What a commit put into force: the files that were asked for, as they were from it on."""

    commit: Commit
    blobs: Blobs

    @property
    def generated(self) -> Blobs:
        """The generated files alone: what was applied."""
        return generated_of(self.blobs)


def generated_of(blobs: Blobs) -> Blobs:
    """The generated files among some: what is applied."""
    return {path: blob for path, blob in blobs.items() if place(path).kind in GENERATED}


def paths_of(pair: Pair) -> tuple[str, ...]:
    """Where everything lies that decides what a model serves in an environment."""
    folder, environment = pair
    return (
        layout.serving_file(folder, environment),
        f"{layout.APPS}/{folder}/releases",
        *generated_paths_of(pair),
    )


def generated_paths_of(pair: Pair) -> tuple[str, ...]:
    """Where everything lies that is applied for a model in an environment."""
    folder, environment = pair
    return (
        layout.rendered_folder(folder, environment),
        layout.application_file(environment, folder),
    )


def states(root: Path, revision: str, *paths: str) -> Iterator[State]:
    """Each state of the main line that differs from the one before it, newest first."""
    now = git.blobs(root, revision, *paths)
    for step in git.steps(root, revision, *paths):
        yield State(step.commit, dict(now))
        for path, (before, _) in step.changed.items():
            if before is None:
                now.pop(path, None)
            else:
                now[path] = before


def former(root: Path, revision: str, pair: Pair, applied: Blobs) -> Commit | None:
    """The newest commit of the main line that applied just these bytes before others were.

    None where they are new, or are those of `revision` itself and never were there before. Where
    nothing is applied any more, as before the model came, it is the commit that brought it.
    """
    interrupted = False
    oldest = None
    for state in states(root, revision, *generated_paths_of(pair)):
        oldest = state.commit
        if state.blobs != applied:
            interrupted = True
        elif interrupted:
            return state.commit
    return oldest if interrupted and not applied and not git.is_shallow(root) else None


@dataclass(frozen=True, slots=True)
class Past:
    """A state of a model in an environment, with the traffic that its serving file asked for."""

    state: State
    stable: str
    weights: Mapping[str, int]

    @property
    def commit(self) -> Commit:
        """The commit that put the state into force."""
        return self.state.commit


def past(root: Path, pair: Pair, revision: str = "HEAD") -> Iterator[Past]:
    """Each state of a model in an environment that said who serves, newest first.

    A commit that removed the serving file, or left it unreadable, served nothing new and is passed
    over. The whole history costs two git processes.
    """
    path = layout.serving_file(*pair)
    found = [state for state in states(root, revision, *paths_of(pair)) if path in state.blobs]
    contents = git.read_blobs(root, sorted({state.blobs[path] for state in found}))
    read = {blob: asked_for(path, content) for blob, content in contents.items()}
    for state in found:
        traffic = read[state.blobs[path]]
        if traffic is not None:
            yield Past(state, *traffic)


def traffic_changes(root: Path, pair: Pair, revision: str = "HEAD") -> Iterator[Past]:
    """The states whose serving file differs from that of the state before, newest first."""
    path = layout.serving_file(*pair)
    found = list(past(root, pair, revision))
    for state, before in zip_longest(found, found[1:]):
        if before is None or state.state.blobs[path] != before.state.blobs[path]:
            yield state


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
