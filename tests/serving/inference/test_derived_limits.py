"""Limits that follow from memory, and what the environment makes of them."""

from hypothesis import given
from hypothesis import strategies as st

from modelserver.inference import limits
from modelserver.inference.limits import UNBOUNDED, Chosen, Limits
from modelserver.start.footprint import Footprint
from modelserver.start.memory_plan import MemoryPlan
from tests.serving.memory import MIB

PLAN = MemoryPlan(512 * MIB, arena_bytes=200 * MIB, requests_bytes=160 * MIB)
FITTING = Limits(8, 40, 80, rows=50, tensor_bytes=70, output_bytes=40, total_cost_bytes=160)


def test_limits_follow_from_the_plan() -> None:
    """A quarter of the room is one body or answer, half of it all bodies, or tensors of a call."""
    found = limits.derive(PLAN, Footprint(), requests=8)

    assert (
        Limits(
            8,
            body_bytes=40 * MIB,
            total_bytes=80 * MIB,
            rows=UNBOUNDED,
            tensor_bytes=80 * MIB,
            output_bytes=40 * MIB,
            total_cost_bytes=160 * MIB,
        )
        == found
    )


def test_rows_are_those_that_runs_have_room_for() -> None:
    """The arena without the weights, in parts of what a row takes; or what an answer may be."""
    runs = Footprint(row_bytes=MIB, answer_row_bytes=4)
    answers = Footprint(row_bytes=MIB, answer_row_bytes=MIB)

    assert 100 == limits.derive(PLAN, runs, requests=8, weights_bytes=100 * MIB).rows
    assert 40 == limits.derive(PLAN, answers, requests=8, weights_bytes=100 * MIB).rows


def test_rows_that_ran_at_start_are_never_refused() -> None:
    """What was run together did fit, whatever is left by the reckoning."""
    tight = Footprint(row_bytes=MIB, answer_row_bytes=4)

    assert 8 == limits.derive(PLAN, tight, requests=8, weights_bytes=200 * MIB, least_rows=8).rows


def test_large_memory_leaves_the_body_at_its_default() -> None:
    """No body above 64 MiB is read unless somebody wants that."""
    large = MemoryPlan(1 << 40, 1 << 39, 1 << 38)

    found = limits.derive(large, Footprint(), requests=8)

    assert (64 * MIB, 256 * MIB) == (found.body_bytes, found.total_bytes)


def test_environment_lowers() -> None:
    """What is set lower holds, and nobody is told."""
    found, raised = limits.settle(Chosen(8, body_bytes=10, rows=5, output_bytes=6), FITTING)

    assert (10, 80, 5, 6) == (found.body_bytes, found.total_bytes, found.rows, found.output_bytes)
    assert raised == {}


def test_environment_raises() -> None:
    """What is set higher holds, too, with what would fit beside it."""
    found, raised = limits.settle(Chosen(8, body_bytes=100, rows=60), FITTING)

    assert (100, 100, 60) == (found.body_bytes, found.total_bytes, found.rows)
    assert {"body_bytes": (100, 40), "total_bytes": (100, 80), "rows": (60, 50)} == raised


def test_bound_on_all_bodies_bounds_each() -> None:
    """A body that alone is more than all may be together would never be taken."""
    found, _ = limits.settle(Chosen(8, total_bytes=30), FITTING)

    assert (30, 30) == (found.body_bytes, found.total_bytes)


def test_only_bounds_are_published() -> None:
    """A limit that nothing reaches is none."""
    found = limits.published(Limits(8, 40, 80))

    assert {"requests": 8, "body_bytes": 40, "bodies_bytes": 80} == found


@given(st.integers(16 * MIB, 1 << 40), st.integers(4 * MIB, 1 << 39), st.floats(1, 1 << 30))
def test_largest_request_fits(arena: int, requests: int, row_bytes: float) -> None:
    """The largest body may be read, the largest answer written, the most rows run."""
    found = limits.derive(
        MemoryPlan(1 << 40, arena, requests),
        Footprint(row_bytes=row_bytes, answer_row_bytes=1.0),
        requests=8,
    )

    assert 3 * found.body_bytes <= found.total_cost_bytes
    assert 2 * found.output_bytes <= found.total_cost_bytes
    assert found.body_bytes <= found.total_bytes <= found.total_cost_bytes
    assert found.rows == 1 or found.rows * row_bytes <= arena
