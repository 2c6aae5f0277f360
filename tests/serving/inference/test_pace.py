"""Which calls run in the event loop, from what was observed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modelserver.codec.calls import Call
from modelserver.inference.pace import TRIALS, Pace

FREE = (("x", 0), ("x", 1))
QUICK_S, SLOW_S = 0.0001, 0.002

sizes = st.tuples(st.integers(1, 64), st.integers(1, 64))


def call_of(*shape: int) -> Call:
    """A call with one input of that shape."""
    feeds = {"x": np.zeros(shape, np.float32)}
    return Call(id="", feeds=feeds, outputs=("y",), rows=shape[0], key=None)


def test_unknown_sizes_are_not_quick() -> None:
    """A size that no run had yet is not trusted: attention takes the square of it."""
    pace = Pace(FREE, [(4, 16)], rows_tell=False)

    assert pace.is_quick(call_of(4, 16))
    assert not pace.is_quick(call_of(1, 17))
    assert not pace.is_quick(call_of(5, 1))


def test_runs_in_the_thread_teach() -> None:
    """A larger size that ran quickly in the thread need not go there again; a slow one must."""
    pace = Pace(FREE, [(1, 1)], rows_tell=False)

    pace.ran_in_thread(call_of(2, 8), QUICK_S)
    pace.ran_in_thread(call_of(2, 9), SLOW_S)

    assert pace.is_quick(call_of(1, 8))
    assert not pace.is_quick(call_of(2, 9))


def test_long_run_in_the_event_loop_is_the_last_one() -> None:
    """What was believed to be quick and is not goes to the thread, and all that is larger."""
    pace = Pace(FREE, [(8, 8), (1, 64)], rows_tell=False)

    pace.ran_too_long(call_of(4, 4))

    assert not pace.is_quick(call_of(4, 4))
    assert pace.is_quick(call_of(1, 64))


def test_many_quick_runs_lead_back() -> None:
    """A single long run may have been the machine's fault; one quick run does not prove that."""
    pace = Pace((("x", 0),), [(8,)])
    pace.ran_too_long(call_of(1, 2))

    for number in range(TRIALS):
        assert pace.quick_rows < 1, number
        pace.ran_in_thread(call_of(8, 2), QUICK_S)

    assert 8 == pace.quick_rows


def test_slow_run_begins_the_count_anew() -> None:
    """Quick runs lead back only one after the other."""
    pace = Pace((("x", 0),), [(8,)])
    pace.ran_too_long(call_of(1, 2))

    for run_s in [*[QUICK_S] * (TRIALS - 1), SLOW_S, *[QUICK_S] * (TRIALS - 1)]:
        pace.ran_in_thread(call_of(8, 2), run_s)

    assert not pace.any_quick


def test_batches_lead_back_as_well() -> None:
    """Under load calls run together: what is short enough for that many is for each of them."""
    pace = Pace((("x", 0),), [(8,)])
    pace.ran_too_long(call_of(1, 2))

    for _ in range(TRIALS):
        pace.ran_in_thread(call_of(1, 2), SLOW_S, calls=32)

    assert 1 == pace.quick_rows


def test_model_that_is_never_quick_stays_so() -> None:
    """Where the largest batch would be too long, single calls do not bring it there."""
    pace = Pace((("x", 0),), [(8,)], never=True)

    pace.ran_in_thread(call_of(8, 2), QUICK_S)

    assert not pace.any_quick


def test_rows_of_calls_that_need_no_look() -> None:
    """Rows tell where nothing else is free; the limit bounds them; fixed sizes are always known."""
    assert 8 == Pace((("x", 0),), [(2,), (8,)]).quick_rows
    assert 4 == Pace((("x", 0),), [(8,)], most_rows=4).quick_rows
    assert Pace((("x", 1),), [(8,)], rows_tell=False).quick_rows < 0
    assert Pace((), [()]).quick_rows > 1 << 32


@given(quick=st.lists(sizes, max_size=40), long=st.lists(sizes, max_size=8), asked=sizes)
def test_quick_is_what_a_quick_run_covers(
    quick: list[tuple[int, int]], long: list[tuple[int, int]], asked: tuple[int, int]
) -> None:
    """A call is never called quick unless a quick run was at least as large in each size."""
    pace = Pace(FREE, quick, rows_tell=False)
    for each in long:
        pace.ran_too_long(call_of(*each))

    believed = pace.is_quick(call_of(*asked))

    trusted = [
        each for each in quick if not any(one[0] <= each[0] and one[1] <= each[1] for one in long)
    ]
    assert not believed or any(asked[0] <= one[0] and asked[1] <= one[1] for one in trusted)
