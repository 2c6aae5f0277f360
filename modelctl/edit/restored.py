"""Bytes that ran, brought back from git where today's typed files cannot be rendered."""

from collections.abc import Mapping
from dataclasses import replace

from modelctl.edit.overlay import Changes, OverlayTree, differing
from modelctl.edit.past import AppliedState, shares
from modelctl.edit.situation import Situation
from modelctl.edit.text import Traffic, with_traffic
from modelctl.edit.way_back import Target
from modelctl.render import drift
from modelctl.repo import git_objects, layout
from modelctl.repo.commit_tree import CommitTree
from modelctl.repo.identity import release_identity
from modelctl.repo.layout import GENERATED, Pair, place
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles
from modelctl.repo.tree import Tree

# How many former states are tried before a person has to look.
_TRIED = 50

Found = tuple[Changes, str]  # what to write, and the commit that it comes from


def release_file(now: Situation, target: Target) -> dict[str, bytes | None]:
    """The file of the target, where today's is another or none."""
    path = layout.release_file(now.pair[0], target.release)
    if target.content is None or _comes_down_to(now.tree, path, target.content):
        return {}
    return {path: target.content}


def by_bytes(now: Situation, wanted: Traffic, target: Target) -> Found | None:
    """The newest state that applied the wanted traffic, file by file as it was.

    One whose serving file asked for the same is better than a newer one.
    """
    for state in sorted(now.past, key=lambda state: not state.is_as_typed):
        is_wanted = state.stable == wanted.stable and _same_traffic(state.weights, wanted)
        if not is_wanted or not state.files.generated:
            continue
        if target.ran and state.ran(target.release) not in target.ran:
            continue
        changes = _files_of(now, state)
        if target.content is not None:
            changes.pop(layout.release_file(now.pair[0], target.release), None)
        changes |= release_file(now, target)
        return differing(now.tree, changes), state.commit[:12]
    return None


def by_rendering(now: Situation, wanted: Traffic, target: Target) -> Found | None:
    """The newest state whose typed files gave what was applied, with the wanted traffic."""
    path = layout.serving_file(*now.pair)
    release = layout.release_file(now.pair[0], target.release)
    own = {} if target.content is None else {release: target.content}
    for state in now.past[:_TRIED]:
        then = CommitTree(now.root, state.commit)
        files = load(then).model(now.pair[0])
        serving = files.servings.get(now.pair[1])
        if serving is None or not _gave_what_was_applied(files, now.pair):
            continue
        traffic = replace(wanted, weights=dict.fromkeys(serving.weights, 0) | dict(wanted.weights))
        text = with_traffic(files.documents[path], then.read(path).decode(), traffic)
        after = load(OverlayTree(then, {**own, path: text.encode()})).model(now.pair[0])
        if now.pair in drift.expected_pairs(after):
            typed = {**release_file(now, target), path: text.encode()}
            expected = drift.expected(after).items()
            generated = {p: content for p, content in expected if place(p).pair == now.pair}
            gone = dict.fromkeys(now.generated.keys() - generated.keys())
            return differing(now.tree, typed | generated | gone), state.commit[:12]
    return None


def _same_traffic(weights: Mapping[str, int], wanted: Traffic) -> bool:
    """Whether the same releases get the same shares, and all that is wanted is deployed."""
    is_deployed = wanted.weights.keys() <= weights.keys()
    return is_deployed and shares(weights) == shares(wanted.weights)


def _files_of(now: Situation, state: AppliedState) -> dict[str, bytes | None]:
    """Everything of a state: what was applied, its serving file, the releases that it deployed."""
    serving = layout.serving_file(*now.pair)
    releases = [layout.release_file(now.pair[0], release) for release in state.weights]
    blobs = {
        path: blob
        for path, blob in state.files.blobs.items()
        if path == serving or path in releases or place(path).kind in GENERATED
    }
    contents = git_objects.read_blobs(now.root, sorted(set(blobs.values())))
    changes: dict[str, bytes | None] = {path: contents[blob] for path, blob in blobs.items()}
    for path in releases:
        then = changes.get(path)
        if then is not None and _comes_down_to(now.tree, path, then):
            del changes[path]
    return changes | dict.fromkeys(now.generated.keys() - changes.keys())


def _comes_down_to(tree: Tree, path: str, content: bytes) -> bool:
    """Whether the release file that is there is the same release as another's bytes."""
    there = tree.read(path) if tree.entry(path) is not None else None
    return there is not None and release_identity(there) == release_identity(content)


def _gave_what_was_applied(files: ModelFiles, pair: Pair) -> bool:
    expected = {p: c for p, c in drift.expected(files).items() if place(p).pair == pair}
    there = {p: c for p, c in files.generated.items() if place(p).pair == pair}
    return bool(expected) and expected == there
