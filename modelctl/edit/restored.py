"""Bytes that ran, brought back from git where today's typed files cannot be rendered."""

from collections.abc import Mapping
from dataclasses import replace

from modelctl.edit.overlay import Changes, OverlayTree, differing
from modelctl.edit.situation import Situation
from modelctl.edit.text import Traffic, with_traffic
from modelctl.render import applied, drift
from modelctl.repo import git, layout
from modelctl.repo.commit_tree import CommitTree
from modelctl.repo.history import TrafficState
from modelctl.repo.identity import release_identity
from modelctl.repo.layout import GENERATED, Pair, place
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles

# How many former states are tried before a person has to look.
_TRIED = 50

Found = tuple[Changes, str]  # what to write, and the commit that it comes from


def by_bytes(now: Situation, wanted: Traffic, back: Changes) -> Found | None:
    """What brings back the newest state that applied the wanted traffic, every file as it was then.

    None if there was no such state.
    """
    for state in now.past:
        if not _same_traffic(state.weights, wanted) or not state.files.generated:
            continue
        changes = _files_of(now, state)
        generated = {
            p: c for p, c in changes.items() if c is not None and place(p).kind in GENERATED
        }
        found = applied.weights(generated)
        is_other = any(changes.get(path, content) != content for path, content in back.items())
        if found is not None and _same_traffic(found, wanted) and not is_other:
            return differing(now.tree, changes), state.commit.id[:12]
    return None


def by_rendering(now: Situation, wanted: Traffic, back: Changes) -> Found | None:
    """What the typed files of an earlier state give with the wanted traffic, rendered anew.

    It is the newest state whose typed files gave just what was applied then; None if none did.
    """
    path = layout.serving_file(*now.pair)
    for state in now.past[:_TRIED]:
        then = CommitTree(now.root, state.commit.id)
        files = load(then).model(now.pair[0])
        serving = files.servings.get(now.pair[1])
        if serving is None or not _gave_what_was_applied(files, now.pair):
            continue
        traffic = replace(wanted, weights=dict.fromkeys(serving.weights, 0) | dict(wanted.weights))
        text = with_traffic(files.documents[path], then.read(path).decode(), traffic)
        typed: dict[str, bytes | None] = {**back, path: text.encode()}
        after = load(OverlayTree(then, typed)).model(now.pair[0])
        if now.pair in drift.expected_pairs(after):
            expected = drift.expected(after).items()
            generated = {p: content for p, content in expected if place(p).pair == now.pair}
            gone = dict.fromkeys(now.generated.keys() - generated.keys())
            return differing(now.tree, typed | generated | gone), state.commit.id[:12]
    return None


def _same_traffic(weights: Mapping[str, int], wanted: Traffic) -> bool:
    """Whether the same releases get the same shares, and all that is wanted is deployed."""
    shares = {release: weight for release, weight in weights.items() if weight}
    return shares == {r: w for r, w in wanted.weights.items() if w} and not (
        wanted.weights.keys() - weights.keys()
    )


def _files_of(now: Situation, state: TrafficState) -> dict[str, bytes | None]:
    """The files of a state: generated ones, the serving file, and the releases that it deployed.

    A release file of today that means the same release stays as it is.
    """
    serving = layout.serving_file(*now.pair)
    releases = [layout.release_file(now.pair[0], release) for release in state.weights]
    blobs = {
        path: blob
        for path, blob in state.files.blobs.items()
        if path == serving or path in releases or place(path).kind in GENERATED
    }
    contents = git.read_blobs(now.root, sorted(set(blobs.values())))
    changes: dict[str, bytes | None] = {path: contents[blob] for path, blob in blobs.items()}
    for path in releases:
        there = now.tree.read(path) if now.tree.entry(path) is not None else None
        then = changes.get(path)
        if (
            then is not None
            and there is not None
            and release_identity(then) == release_identity(there)
        ):
            del changes[path]
    return changes | dict.fromkeys(now.generated.keys() - changes.keys())


def _gave_what_was_applied(files: ModelFiles, pair: Pair) -> bool:
    expected = {p: c for p, c in drift.expected(files).items() if place(p).pair == pair}
    there = {p: c for p, c in files.generated.items() if place(p).pair == pair}
    return bool(expected) and expected == there
