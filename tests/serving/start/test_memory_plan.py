"""How the memory of a process is divided."""

from hypothesis import given
from hypothesis import strategies as st

from modelserver.start.memory_plan import LATER_BYTES, USED_SHARE, MemoryPlan, divide
from tests.serving.memory import MIB

GIB = 1 << 30


def plan(limit: int, resident: int, anonymous: int, artifact: int) -> MemoryPlan:
    """Of sizes in MiB."""
    return divide(
        limit * MIB,
        resident_bytes=resident * MIB,
        anonymous_bytes=anonymous * MIB,
        artifact_bytes=artifact * MIB,
    )


def test_runs_and_requests_share_what_is_left() -> None:
    """Of four fifths of 500 MiB 60 are in use, 24 will be: 316 remain, 44 for weights of 40."""
    assert MemoryPlan(500 * MIB, 180 * MIB, 136 * MIB) == plan(500, 60, 30, 40)


def test_small_pod_still_serves() -> None:
    """Where pages of files fill the plan, a part of what is not held for good is used."""
    assert MemoryPlan(80 * MIB, 8 * MIB, 4 * MIB) == plan(80, 70, 28, 0)


def test_large_model_leaves_the_least_for_requests() -> None:
    """A model takes what it needs; a server that takes no request would be none."""
    assert MemoryPlan(1000 * MIB, 998 * MIB, 4 * MIB) == plan(1000, 60, 30, 900)


def test_weights_may_need_more_than_expected() -> None:
    """Weights that are computed from fewer bytes get what requests would have had."""
    assert MemoryPlan(500 * MIB, 312 * MIB, 4 * MIB) == plan(500, 60, 30, 40).with_more_weights()


@given(
    limit=st.integers(256 * MIB, 64 * GIB),
    resident=st.integers(30 * MIB, 90 * MIB),
    artifact=st.integers(0, 32 * MIB),
)
def test_parts_never_pass_the_plan(limit: int, resident: int, artifact: int) -> None:
    """Where a model fits, what is in use and both parts together stay within the plan."""
    found = divide(
        limit, resident_bytes=resident, anonymous_bytes=resident // 2, artifact_bytes=artifact
    )

    parts = found.arena_bytes + found.requests_bytes
    assert resident + LATER_BYTES + parts <= limit * USED_SHARE
