"""Counters of Envoy, their differences and quantiles."""

import json

import pytest

from modelctl.local.envoy.measure import Counters, Window, parse_counters

BUCKETS = ((1.0, 50), (2.0, 90), (10.0, 100))


ZONE = "cluster.httproute/models/m/rule/shared.zone.here.s~weighted~7."


def page(completed: int, errors: int, client_errors: int) -> bytes:
    """A page of statistics as Envoy writes it."""
    buckets = [{"upper_bound": 1, "interval": 0, "cumulative": completed}]
    other = ZONE.replace("shared", "0/backend/s")
    return json.dumps(
        {
            "stats": [
                {"name": f"{ZONE}upstream_rq_completed", "value": completed},
                {"name": f"{ZONE}upstream_rq_5xx", "value": errors},
                {"name": f"{ZONE}upstream_rq_4xx", "value": client_errors},
                {"name": f"{other}upstream_rq_completed", "value": 1},
                {"name": "cluster.s.external.upstream_rq_5xx", "value": 99},
                {"histograms": [{"name": f"{ZONE}upstream_rq_time", "buckets": buckets}]},
            ]
        }
    ).encode()


def test_page() -> None:
    """A page gives each zone its requests, errors and latencies, over all clusters."""
    expected = {"s~weighted~7": Counters(8, 2, ((1, 7),), 3)}

    assert expected == parse_counters(page(7, 2, 3))


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


def test_error_rates() -> None:
    """The error rate is the share of answers with a 5xx, the callers' that of those with a 4xx."""
    counted = Counters(100, 2, client_errors=5)

    assert (0.02, 0.05) == (counted.error_rate(), counted.client_error_rate())


def window_of(*totals: tuple[float, int]) -> Window:
    """A window of 60 s with readings of one zone."""
    window = Window(60)
    for time_s, requests in totals:
        window.add(time_s, {"c~1": Counters(requests)})
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
    window.add(1, {"c~1": Counters(5)})

    assert 5 == window.since(0)["c"].requests


def test_counters_that_begin_anew() -> None:
    """What a counter says after it began anew is added to what it had said before."""
    window = window_of((0, 10), (1, 30), (2, 5), (3, 9))

    assert 20 + 5 + 4 == window.since(0)["c"].requests


def test_first_reading_says_where_it_begins() -> None:
    """What Envoy has counted for an earlier engine is not counted again."""
    assert {} == window_of((0, 1000)).since(0)


def test_splits() -> None:
    """Each split has what was counted under it; those before the last two are forgotten."""
    window = Window(60)
    window.add(0, {})
    for split in (1, 2, 3):
        window.add(split, {f"c~{split}": Counters(10 * split), "d~1": Counters(split)})

    assert {"c": Counters(30)} == window.of_split(3)
    assert {"c": Counters(20)} == window.of_split(2)
    assert {"d": Counters(3)} == window.of_split(1)


def test_empty_window() -> None:
    """Without readings there is nothing."""
    assert {} == Window(60).since(0)
