"""Ratios compare what was measured in the same round."""

import dataclasses

import pytest

from serving.bench import ratios
from serving.bench.goals import GOALS
from serving.bench.ratios import Column, Spread
from serving.bench.results import Results
from serving_bench.figures import cell

TINY = Column("tiny", "json", 32)


def test_pairs_are_taken_round_by_round() -> None:
    """Median, lowest and highest of the rounds that both have."""
    found = ratios.paired({0: 10, 1: 30, 2: 20, 3: 5}, {0: 10, 1: 10, 2: 10})

    assert Spread(median=2, low=1, high=3) == found


def test_nothing_in_common_is_no_ratio() -> None:
    """A contestant without figures has none."""
    assert ratios.paired({0: 1}, {1: 1}) is None


def test_a_cell_without_answers_is_no_figure(results: Results) -> None:
    """Its latency of zero would look like a very good one."""
    results.cells.append(dataclasses.replace(cell("kserve", 1), requests=0, p50_ms=0))

    assert {} == ratios.of_cells(results, "one-core", TINY, "kserve", lambda each: each.p50_ms)


def test_the_best_peer_may_differ_between_rounds() -> None:
    """Each round is compared with who was best in it."""
    assert {0: 5, 1: 7} == ratios.best([{0: 5, 1: 1}, {0: 2, 1: 7}])


def test_throughput_is_ours_by_the_others(results: Results) -> None:
    """10 times in one round, 12 times in the other."""
    found = ratios.throughput(results, "one-core", TINY, "naive")

    assert Spread(median=11, low=10, high=12) == found


def test_the_bare_runtime_is_compared_at_any_concurrency(results: Results) -> None:
    """It has one figure, measured without a server."""
    results.cells.append(cell("bare", 20_000, encoding="none", concurrency=1))

    found = ratios.throughput(results, "one-core", TINY, "bare")

    assert Spread(median=0.5, low=0.5, high=0.5) == found


@pytest.mark.parametrize(
    ("contestant", "says", "median", "holds"),
    [
        ("naive", "answers a second", 11, True),
        ("mlserver-batching", "answers a second", 20, False),
        ("mlserver", "start to first answer", 0.25, True),
        ("mlserver", "memory after load", 0.5, True),
    ],
)
def test_goals_are_judged_by_their_median(
    results: Results, contestant: str, says: str, median: float, *, holds: bool
) -> None:
    """Each on the right side of its bound."""
    goal = next(each for each in GOALS if each.contestant == contestant and says in each.says)

    reached = goal.ratio(results)

    assert reached is not None
    assert median == reached.median
    assert holds == goal.holds(reached)


def test_a_goal_is_missed_on_the_wrong_side() -> None:
    """Too little of what should be much, too much of what should be little."""
    much = next(each for each in GOALS if each.at_least)
    little = next(each for each in GOALS if not each.at_least)

    assert not much.holds(Spread(much.bound * 0.99, 0, 99))
    assert not little.holds(Spread(little.bound * 1.01, 0, 99))


def test_a_goal_that_was_not_measured_has_no_verdict(results: Results) -> None:
    """A run without peers says nothing about them."""
    goal = next(each for each in GOALS if each.contestant == "kserve")

    assert goal.ratio(results) is None
