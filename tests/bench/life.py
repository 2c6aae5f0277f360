"""The past of models: release after release is introduced, shifted, promoted and retired."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from modelctl.edit import scaffold
from modelctl.edit.overlay import Changes
from modelctl.render import drift
from modelctl.repo import documents, layout, typed
from modelctl.repo.kinds import Release
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles
from modelctl.repo.tree import WorkTree
from tests.bench.fast_import import Import
from tests.bench.fleet import release_file

_SHIFTS = (1, 5, 10, 25, 50, 75)
STEPS = len(_SHIFTS) + 4  # retire the one before, add, introduce, shift, promote


@dataclass(frozen=True, slots=True)
class _State:
    """What serves after a commit, and what the commit is called."""

    subject: str
    weights: Mapping[str, int]
    stable: str
    newest: str


def live(root: Path, folders: Sequence[str], environment: str, commits: int) -> None:
    """Give models a past of so many commits in all, in turns.

    It ends with a promotion of each where every model gets a multiple of `STEPS`.
    """
    repository = load(WorkTree(root))
    lives = [_life(repository.model(folder), environment) for folder in folders]
    with Import(root) as past:
        for number in range(commits):
            past.add(*next(lives[number % len(lives)]))


def _life(files: ModelFiles, environment: str) -> Iterator[tuple[str, Changes]]:
    """Subject and changes of each commit, from where one release serves and an older one is warm.

    The releases that are there stay, because other environments serve them.
    """
    own = {**files.contents, **files.generated}
    kept = {path: content for path, content in own.items() if _is_kept(path, environment)}
    before: Changes = own
    for state in _states([*files.releases][-1]):
        after = kept | _files(files, environment, state)
        gone = dict.fromkeys(before.keys() - after.keys())
        changes = {path: c for path, c in after.items() if before.get(path) != c} | gone
        yield f"apps/{files.folder}: {state.subject} in {environment}", changes
        before = after


def _is_kept(path: str, environment: str) -> bool:
    return layout.place(path).environment != environment


def _states(stable: str) -> Iterator[_State]:
    """The lives of the releases after one."""
    for number in count(layout.release_number(stable) + 1):
        new = f"r{number}"
        yield _State("Retire what was before", {stable: 100}, stable, stable)
        yield _State(f"Add release {new}", {stable: 100}, stable, new)
        yield _State(f"Introduce {new}", {stable: 100, new: 0}, stable, new)
        for percent in _SHIFTS:
            weights = {stable: 100 - percent, new: percent}
            yield _State(f"Send {percent}% to {new}", weights, stable, new)
        yield _State(f"Promote {new}", {stable: 0, new: 100}, new, new)
        stable = new


def _files(files: ModelFiles, environment: str, state: _State) -> dict[str, bytes]:
    """Every file of the model in the environment, and the releases that only it serves."""
    names = [name for name in {*state.weights, state.newest} if name not in files.releases]
    new = {layout.release_file(files.folder, name): _content(files, name) for name in names}
    releases = {name: _release(files, name) for name in names}
    serving = replace(
        files.servings[environment], weights=state.weights, stable=state.stable, shadow=None
    )
    there = replace(files, releases={**files.releases, **releases}, servings={environment: serving})
    path = layout.serving_file(files.folder, environment)
    return {**new, path: scaffold.serving_text(serving).encode(), **drift.expected(there)}


def _content(files: ModelFiles, name: str) -> bytes:
    return release_file(files.folder, layout.release_number(name))


def _release(files: ModelFiles, name: str) -> Release:
    document, _ = documents.parse("", _content(files, name))
    assert document is not None
    assert isinstance(document.value, dict)
    return typed.release(files.folder, name, document.value)
