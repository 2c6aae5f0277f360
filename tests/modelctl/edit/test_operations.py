"""The five operations on traffic: what each gives and what each refuses."""

from dataclasses import replace

import pytest

from modelctl.edit import operations
from modelctl.edit.text import Traffic
from modelctl.errors import EditRefusedError
from modelctl.repo.kinds import Scale, Serving, Shadow


def serving(stable: str, weights: dict[str, int], shadow: Shadow | None = None) -> Serving:
    """A serving file of the model digits in prod."""
    scale = Scale(min=1, max=2, metric="cpu", target=70)
    return Serving("digits", "prod", stable, weights, shadow, scale, paused=False)


def test_shift_gives_the_rest_to_stable() -> None:
    """The stable release takes what the named weights leave over."""
    after = operations.shift(serving("r1", {"r1": 100, "r2": 0}), {"r2": 10})

    assert Traffic("r1", {"r1": 90, "r2": 10}) == after


def test_shift_introduces_a_release_at_zero() -> None:
    """A release that is not deployed yet enters at 0 and the rest stays as it is."""
    after = operations.shift(serving("r1", {"r1": 100}), {"r2": 0})

    assert Traffic("r1", {"r1": 100, "r2": 0}) == after


def test_shift_refuses_traffic_to_a_cold_release() -> None:
    """A release that is not deployed yet cannot get traffic in the same step."""
    with pytest.raises(
        EditRefusedError, match="r2 is not deployed in prod: introduce it with r2=0"
    ):
        operations.shift(serving("r1", {"r1": 100}), {"r2": 10})


@pytest.mark.parametrize(
    "wanted", [{"r2": 101}, {"r1": 50, "r2": 40}, {"r1": 105, "r2": 0}], ids=str
)
def test_shift_refuses_weights_that_do_not_add_up(wanted: dict[str, int]) -> None:
    """Weights outside 0 to 100, or with another sum than 100, are refused with the numbers."""
    with pytest.raises(EditRefusedError, match="expected weights from 0 to 100 that add up to 100"):
        operations.shift(serving("r1", {"r1": 95, "r2": 5}), wanted)


def test_promote_makes_the_candidate_stable_and_keeps_the_old_one_warm() -> None:
    """The one candidate with traffic gets all of it; the former stable stays at 0."""
    after = operations.promote(serving("r1", {"r1": 90, "r2": 10}), None)

    assert Traffic("r2", {"r1": 0, "r2": 100}) == after


def test_promote_wants_a_name_where_two_candidates_serve() -> None:
    """Two candidates with traffic are an ambiguity that only a person resolves."""
    with pytest.raises(EditRefusedError, match="found r2, r3: name one"):
        operations.promote(serving("r1", {"r1": 80, "r2": 10, "r3": 10}), None)


def test_retire_drops_the_idle_release() -> None:
    """The only idle release is retired without being named."""
    after = operations.retire(serving("r2", {"r1": 0, "r2": 100}), None)

    assert Traffic("r2", {"r2": 100}) == after


def test_retire_of_the_shadow_keeps_the_weights() -> None:
    """Naming the shadow release removes the shadow and nothing else."""
    after = operations.retire(serving("r1", {"r1": 100}, Shadow("r2", 10)), "r2")

    assert Traffic("r1", {"r1": 100}, shadow=False) == after


def test_the_smallest_canary_is_a_candidate() -> None:
    """A release with one percent of the traffic is promoted without being named."""
    after = operations.promote(serving("r1", {"r1": 99, "r2": 1}), None)

    assert Traffic("r2", {"r1": 0, "r2": 100}) == after


@pytest.mark.parametrize("release", ["r1", "r2"])
def test_retire_refuses_a_release_that_serves(release: str) -> None:
    """A release with traffic, and the stable one, are never retired."""
    with pytest.raises(EditRefusedError, match=rf"{release} still has"):
        operations.retire(serving("r1", {"r1": 95, "r2": 5}), release)


R1 = Traffic("r1", {"r1": 100})
R1_WARM_R2 = Traffic("r1", {"r1": 100, "r2": 0})
CANARY = Traffic("r1", {"r1": 95, "r2": 5})
R2 = Traffic("r2", {"r1": 0, "r2": 100})


@pytest.mark.parametrize(
    ("before", "after", "operation", "expected"),
    [
        (R1, R1_WARM_R2, "shift", "apps/digits: Introduce r2 in prod"),
        (R1_WARM_R2, CANARY, "shift", "apps/digits: Send 5% to r2 in prod"),
        (CANARY, R2, "promote", "apps/digits: Promote r2 in prod"),
        (R2, R1_WARM_R2, "rollback", "apps/digits: Roll back to r1 in prod"),
        (R1_WARM_R2, R1, "retire", "apps/digits: Retire r2 in prod"),
        (CANARY, R1_WARM_R2, "shift", "apps/digits: Send 0% to r2 in prod"),
        (R1, replace(R1, shadow=False), "retire", "apps/digits: Retire the shadow in prod"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_subject_tells_the_operation(
    before: Traffic, after: Traffic, operation: str, expected: str
) -> None:
    """The commit subject names model, operation, release and environment."""
    state = serving(before.stable, dict(before.weights))

    assert expected == operations.subject(state, after, operation)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (R1, R1_WARM_R2, {"r2"}),
        (R1_WARM_R2, CANARY, {"r2"}),
        (CANARY, R2, {"r2"}),
        (R2, R1_WARM_R2, {"r1"}),
        (R1_WARM_R2, R1, set()),
        (CANARY, R1_WARM_R2, {"r1"}),
        (R1, Traffic("r2", {"r1": 100, "r2": 0}), {"r2"}),
        (R1, R1, set()),
    ],
    ids=["introduce", "shift", "promote", "back", "retire", "shift-back", "stable-alone", "none"],
)
def test_who_gains(before: Traffic, after: Traffic, expected: set[str]) -> None:
    """A release gains by more traffic, by being deployed, and by being called stable."""
    state = serving(before.stable, dict(before.weights))

    assert expected == operations.gaining(state, after)
