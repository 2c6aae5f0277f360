"""The five operations on traffic, as pure functions from one state to the next.

Each refuses what would surprise: traffic to a release that is not warm yet, the removal of one
that still serves.
"""

from collections.abc import Mapping

from modelctl.edit.text import Traffic
from modelctl.errors import EditRefusedError
from modelctl.repo.kinds import Serving

WHOLE = 100  # percent: what the weights of a serving file add up to


def current(serving: Serving) -> Traffic:
    """The traffic that a serving file asks for now."""
    return Traffic(serving.stable, dict(serving.weights))


def shift(serving: Serving, wanted: Mapping[str, int]) -> Traffic:
    """Traffic with the wanted weights; what they leave over goes to the stable release.

    Raises:
        EditRefusedError: A release that is not deployed asks for traffic, or the sum is not 100.
    """
    for release, weight in wanted.items():
        if release not in serving.weights and weight > 0:
            raise EditRefusedError(
                f"{release} is not deployed in {serving.environment}: introduce it with "
                f"{release}=0, wait until it is ready, then shift"
            )
    weights = dict(serving.weights) | dict(wanted)
    if serving.stable not in wanted:
        others = sum(weight for release, weight in weights.items() if release != serving.stable)
        weights[serving.stable] = WHOLE - others
    _refuse_bad_sum(weights, serving)
    return Traffic(serving.stable, weights)


def promote(serving: Serving, release: str | None) -> Traffic:
    """All traffic to one release, which becomes stable; the others stay deployed at 0.

    Raises:
        EditRefusedError: No candidate is named and not exactly one has traffic.
    """
    candidates = [r for r, w in serving.weights.items() if w > 0 and r != serving.stable]
    chosen = release or _only(candidates, "a release with traffic that is not stable", serving)
    _refuse_unknown(chosen, serving)
    return Traffic(chosen, {r: WHOLE if r == chosen else 0 for r in serving.weights})


def retire(serving: Serving, release: str | None) -> Traffic:
    """The same traffic without a release that has none.

    Raises:
        EditRefusedError: The release is stable, or still has traffic.
    """
    idle = [r for r, w in serving.weights.items() if w == 0 and r != serving.stable]
    chosen = release or _only(idle, "a release at weight 0 that is not stable", serving)
    if serving.shadow and chosen == serving.shadow.release:
        return Traffic(serving.stable, dict(serving.weights), shadow=False)
    _refuse_unknown(chosen, serving)
    if chosen == serving.stable or serving.weights[chosen] > 0:
        raise EditRefusedError(
            f"{chosen} still has {serving.weights[chosen]} % of the traffic or is stable in "
            f"{serving.environment}: shift or promote first, then retire"
        )
    return Traffic(serving.stable, {r: w for r, w in serving.weights.items() if r != chosen})


def gaining(before: Serving, after: Traffic) -> frozenset[str]:
    """The releases that get more than they had: traffic, a deployment, or the name of stable."""
    more = {r for r, weight in after.weights.items() if weight > before.weights.get(r, -1)}
    return frozenset(more | ({after.stable} - {before.stable}))


def subject(before: Serving, after: Traffic, operation: str) -> str:
    """The conventional commit subject of an operation."""
    return f"apps/{before.folder}: {_told(before, after, operation)} in {before.environment}"


def _told(before: Serving, after: Traffic, operation: str) -> str:
    if operation in ("promote", "rollback"):
        return f"{'Promote' if operation == 'promote' else 'Roll back to'} {after.stable}"
    gone = [release for release in before.weights if release not in after.weights]
    if operation == "retire":
        return f"Retire {gone[0]}" if gone else "Retire the shadow"
    added = [release for release in after.weights if release not in before.weights]
    if added:
        return f"Introduce {', '.join(added)}"
    changed = {r: w for r, w in after.weights.items() if before.weights[r] != w}
    shown = {r: w for r, w in changed.items() if r != after.stable} or changed
    return "Send " + ", ".join(f"{weight}% to {release}" for release, weight in shown.items())


def _only(candidates: list[str], what: str, serving: Serving) -> str:
    if len(candidates) == 1:
        return candidates[0]
    found = ", ".join(candidates) or "none"
    raise EditRefusedError(
        f"expected exactly one candidate ({what}) in {serving.environment}, found {found}: name one"
    )


def _refuse_unknown(release: str, serving: Serving) -> None:
    if release not in serving.weights:
        raise EditRefusedError(
            f"{release} is not deployed in {serving.environment}; deployed: "
            f"{', '.join(serving.weights)}"
        )


def _refuse_bad_sum(weights: Mapping[str, int], serving: Serving) -> None:
    total = sum(weights.values())
    if total != WHOLE or any(not 0 <= weight <= WHOLE for weight in weights.values()):
        shown = ", ".join(f"{release}={weight}" for release, weight in weights.items())
        raise EditRefusedError(
            f"found {shown} in {serving.environment}, expected weights from 0 to 100 that add up "
            "to 100"
        )
