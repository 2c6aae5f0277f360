"""A rollback as a plan: the files that bring a release back to all traffic, whatever is broken.

No rule stands in its way. Where today's typed files can be rendered, they are; where not, the
bytes that ran come back from git.
"""

from dataclasses import dataclass, field
from pathlib import Path

from modelctl.edit import restored
from modelctl.edit.overlay import Changes, OverlayTree, differing
from modelctl.edit.past import shares
from modelctl.edit.situation import Situation
from modelctl.edit.text import Traffic, with_traffic
from modelctl.edit.way_back import (
    WHOLE,
    Station,
    Target,
    is_settled,
    last_blob,
    path_of,
)
from modelctl.errors import EditRefusedError, NeverServedError
from modelctl.render import drift
from modelctl.repo import git, git_objects, layout
from modelctl.repo.kinds import Serving
from modelctl.repo.layout import GENERATED, Kind, Pair, place
from modelctl.repo.loading import load
from modelctl.repo.tree import Tree


@dataclass(frozen=True, slots=True)
class Rollback:
    """What is to be written: one step of the way back.

    `warms` is true where the release only starts, at weight 0, so that the step after it does not
    send traffic to servers that are not there. `is_cold` is true where it gets traffic although
    nothing of it runs. `restored_from` is the commit whose bytes come back because today's typed
    files cannot be rendered.
    """

    release: str
    changes: Changes = field(repr=False)
    warms: bool
    is_cold: bool
    restored_from: str


def plan_rollback(
    root: Path, tree: Tree, pair: Pair, *, to: str | None = None, at_once: bool = False
) -> Rollback:
    """The next step of the way back: to start the release, or to give it all the traffic.

    With `at_once` it gets the traffic although nothing of it may run yet.

    Raises:
        EditRefusedError: There is nothing to go back to, or it is there already.
        NeverServedError: The model is not, and never was, served in the environment.
    """
    now = Situation(root, tree, pair)
    _require_served(now)
    target = _target(now, to)
    runs = target.release in now.weights
    kept = shares(now.weights)
    if runs or at_once or not kept:
        all_of_it = Traffic(target.release, {target.release: WHOLE})
        return _step(now, target, all_of_it, is_cold=not runs)
    return _step(now, target, Traffic(now.stable, kept | {target.release: 0}), is_cold=False)


def _step(now: Situation, target: Target, wanted: Traffic, *, is_cold: bool) -> Rollback:
    """The files that bring the wanted traffic; what is deployed besides stays, at 0."""
    warms = not wanted.weights[target.release]
    back = restored.release_file(now, target)
    changes, commit = _rendered(now, wanted, back), ""
    if changes is None:
        found = restored.by_bytes(now, wanted, target) or restored.by_rendering(now, wanted, target)
        changes, commit = found or (None, "")
    if changes is None:
        faults = [*now.files.repository.faults, *now.files.faults]
        shown = "\n  ".join(map(str, faults))
        raise EditRefusedError(
            f"nothing was written: {now.pair[0]} cannot be rendered in {now.pair[1]}, and no state "
            f"of this branch can be brought back instead; mend these:\n  {shown}"
        )
    _require_effect(now, target, changes)
    return Rollback(target.release, changes, warms, is_cold, commit)


def _rendered(now: Situation, wanted: Traffic, back: Changes) -> Changes | None:
    """The edit by today's typed files; None where they cannot be edited or rendered."""
    if now.serving is None:
        return None
    path = layout.serving_file(*now.pair)
    try:
        text = with_traffic(
            now.files.documents[path], now.tree.read(path).decode(), _kept(now.serving, wanted)
        )
    except EditRefusedError:
        return None
    typed = {**back, path: text.encode()}
    files = load(OverlayTree(now.tree, typed)).model(now.pair[0])
    if now.pair not in drift.expected_pairs(files):
        return None
    rendered = drift.render_changes(files).items()
    changes = typed | {p: content for p, content in rendered if place(p).pair == now.pair}
    return differing(now.tree, changes)


def _kept(serving: Serving, wanted: Traffic) -> Traffic:
    """The wanted traffic beside everything that is deployed; a shadow gives way to traffic."""
    weights = dict.fromkeys(serving.weights, 0) | dict(wanted.weights)
    mirrored = serving.shadow is not None and serving.shadow.release in weights
    return Traffic(wanted.stable, weights, shadow=not mirrored)


def _require_effect(now: Situation, target: Target, changes: Changes) -> None:
    if not any(place(path).kind in GENERATED for path in changes):
        raise EditRefusedError(
            f"{target.release} has all traffic of {now.pair[0]} in {now.pair[1]} already: nothing "
            "that is applied would change"
        )


def _require_served(now: Situation) -> None:
    path = layout.serving_file(*now.pair)
    if now.tree.entry(path) is not None or now.generated:
        return
    gone = next(git.log(now.root, "HEAD", path, limit=1), None) if git.head(now.root) else None
    if gone is not None:
        raise EditRefusedError(
            f"{now.pair[0]} is not served in {now.pair[1]} any more, expected {path}; "
            f"`git revert {gone.id[:12]}` brings it back"
        )
    raise NeverServedError(f"found no file {path}, now or in the history of this branch")


def _target(now: Situation, to: str | None) -> Target:
    if to is not None:
        return _named(now, to)
    path = path_of(now.root, now.past)
    if not is_settled(now.stable, now.weights):
        ran = bool(path) and path[-1].release == now.stable
        return _as_it_ran(now, path[-1]) if ran else _named(now, now.stable)
    if len(path) > 1:
        return _as_it_ran(now, path[-2])
    raise EditRefusedError(
        f"found no release that was stable in {now.pair[1]} before {now.stable or 'any'}"
        f"{_why_no_history(now)}; {_choices(now)}"
    )


def _as_it_ran(now: Situation, station: Station) -> Target:
    content = git_objects.read_blobs(now.root, [station.blob])[station.blob]
    return Target(station.release, content, station.ran)


def _named(now: Situation, release: str) -> Target:
    """A release by its name: as its file is today, or else as it was when it last ran."""
    if now.tree.entry(layout.release_file(now.pair[0], release)) is not None:
        return Target(release)
    blob = last_blob(now.past, now.pair, release)
    if blob is None:
        raise EditRefusedError(
            f"found no {release} of {now.pair[0]}, now or in the history of {now.pair[1]}; "
            f"{_choices(now)}"
        )
    return Target(release, git_objects.read_blobs(now.root, [blob])[blob])


def _why_no_history(now: Situation) -> str:
    if git.head(now.root) and git.is_shallow(now.root):
        return " (this clone is shallow: `git fetch --unshallow` brings the history)"
    return "" if now.past else " (nothing of it is committed)"


def _choices(now: Situation) -> str:
    places = map(place, now.files.entries)
    names = {where.release for where in places if where.kind is Kind.RELEASE}
    shown = ", ".join(sorted(names, key=layout.release_number)) or "none"
    return f"name one with --to; releases: {shown}"
