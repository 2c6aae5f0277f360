"""Counters of Envoy, their differences and quantiles."""

import json

import pytest

from modelctl.local.envoy.measure import Counters, Window, parse_counters

BUCKETS = ((1.0, 50), (2.0, 90), (10.0, 100))


def page(completed: int, errors: int) -> bytes:
    """A page of statistics as Envoy writes it."""
    buckets = [{"upper_bound": 1, "interval": 0, "cumulative": completed}]
    return json.dumps(
        {
            "stats": [
                {"name": "cluster.s~weighted.upstream_rq_completed", "value": completed},
                {"name": "cluster.s~weighted.upstream_rq_5xx", "value": errors},
                {"name": "cluster.s~weighted.external.upstream_rq_5xx", "value": 99},
                {
                    "histograms": [
                        {"name": "cluster.s~weighted.upstream_rq_time", "buckets": buckets}
                    ]
                },
            ]
        }
    ).encode()


def test_page() -> None:
    """A page gives each cluster its requests, errors and latencies, each counted once."""
    assert {"s~weighted": Counters(7, 2, ((1, 7),))} == parse_counters(page(7, 2))


@pytest.mark.parametrize("content", [b"", b"{", b"[]"])
def test_page_of_another_form(content: bytes) -> None:
    """Anything else is an error that the caller can tell."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        parse_counters(content)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.25, 0.5), (0.5, 1.0), (0.7, 1.5), (0.9, 2.0), (0.99, 9.2), (1, 10.0)]
)
def test_quantile(share: float, expected: float) -> None:
    """A quantile is interpolated within its bucket."""
    assert expected == pytest.approx(Counters(100, 0, BUCKETS).quantile_ms(share))


def test_quantile_past_the_last_bucket() -> None:
    """A latency past every bucket is told as the last bound, the least it can be."""
    assert 10.0 == Counters(200, 0, BUCKETS).quantile_ms(1.0)


def test_nothing_measured() -> None:
    """Without requests there is no rate and no quantile, rather than a good one."""
    assert (None, None) == (Counters().error_rate(), Counters().quantile_ms(0.5))


def test_difference_and_sum() -> None:
    """Counters subtract and add bucket by bucket."""
    later = Counters(150, 5, ((1.0, 60), (2.0, 130), (10.0, 150)))
    earlier = Counters(100, 2, BUCKETS)

    assert Counters(50, 3, ((1.0, 10), (2.0, 40), (10.0, 50))) == later - earlier
    assert later == earlier + (later - earlier)


def test_restart_of_envoy() -> None:
    """When Envoy has started anew, what it counts now is all there is."""
    assert Counters(3, 0) == Counters(3, 0) - Counters(100, 2)


def test_error_rate() -> None:
    """The error rate is the share of answers with a 5xx."""
    assert 0.02 == Counters(100, 2).error_rate()


def window_of(*totals: tuple[float, int]) -> Window:
    """A window of 60 s with readings of one cluster."""
    window = Window(60)
    for time_s, requests in totals:
        window.add(time_s, {"c": Counters(requests)})
    return window


@pytest.mark.parametrize(
    ("since_s", "expected"),
    [(0, 90), (100, 90), (110, 70), (115, 70), (120, 0), (130, 0)],
)
def test_since(since_s: float, expected: int) -> None:
    """What happened since a time counts from the last reading before it."""
    window = window_of((100, 10), (110, 30), (120, 100))

    assert expected == window.since(since_s)["c"].requests


def test_window_length() -> None:
    """What is older than the window does not count, however long ago one asks from."""
    window = window_of((0, 0), (30, 1000), (61, 1010), (95, 1015))

    assert 15 == window.since(0)["c"].requests


def test_window_is_bounded() -> None:
    """A window keeps no more readings than it needs."""
    window = window_of(*((second, second) for second in range(1000)))

    assert 62 >= len(window._readings)


def test_new_cluster() -> None:
    """A cluster that was not there at the beginning counts from 0."""
    window = Window(60)
    window.add(0, {})
    window.add(1, {"c": Counters(5)})

    assert 5 == window.since(0)["c"].requests


def test_empty_window() -> None:
    """Without readings there is nothing."""
    assert {} == Window(60).since(0)
