"""The last hour of each release, in buckets."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelctl.local.envoy.measure import Counters
from modelctl.local.observe.history import History

KEY = ("m", "r1")


def filled(history: History, counts: list[int]) -> History:
    """A history with one bucket for each number of requests."""
    history.due(0.0)
    for number, count in enumerate(counts, start=1):
        history.add(number * history.bucket_s, {KEY: Counters(count)})
    return history


def test_due_once_a_bucket() -> None:
    """A bucket is due when it is full, and tells when it began."""
    history = History(bucket_s=10)

    assert [None, None, 5.0] == [history.due(5.0), history.due(14.9), history.due(15.0)]


def test_numbers_by_second() -> None:
    """Requests and errors are by second, whatever the time the bucket really took."""
    history = History(bucket_s=10, buckets=3)
    history.due(0.0)

    history.add(20.0, {KEY: Counters(200, 20, ((4.0, 100), (8.0, 200)), 40)})

    found = history.of("m")["r1"]
    assert (None, None, 10.0) == found.requests
    assert (1.0, 2.0) == (found.errors[-1], found.client_errors[-1])
    assert 4.0 == found.p50_ms[-1]
    assert 8.0 == pytest.approx(found.p99_ms[-1], abs=0.1)


@given(st.lists(st.integers(0, 1000), max_size=30), st.integers(2, 8))
def test_the_newest_stay_in_their_order(counts: list[int], buckets: int) -> None:
    """However many were added, the last ones are there, the oldest first."""
    history = filled(History(bucket_s=1, buckets=buckets), counts)

    expected = ([None] * buckets + [float(count) for count in counts])[-buckets:]
    assert (counts == []) or expected == list(history.of("m")["r1"].requests)


def test_release_that_is_gone_is_forgotten() -> None:
    """A release that nothing is heard of leaves gaps, and is dropped after the whole time."""
    history = filled(History(bucket_s=1, buckets=3), [1])

    seen = []
    for time_s in (2.0, 3.0, 4.0):
        history.add(time_s, {})
        seen.append("r1" in history.of("m"))

    assert [True, True, False] == seen


def test_memory_is_bounded() -> None:
    """600 releases over hours take no more numbers than over one hour."""
    keys = [(f"m{number // 3}", f"r{number % 3}") for number in range(600)]
    history = History(bucket_s=1, buckets=10)
    history.due(0.0)
    sizes = []
    for time_s in range(1, 31):
        history.add(float(time_s), dict.fromkeys(keys, Counters(1)))
        sizes.append(sum(len(c) * c.itemsize for k in history._kept.values() for c in k))

    assert 600 * 5 * 10 * 4 == sizes[-1]
    assert all(before == after for before, after in pairwise(sizes))
