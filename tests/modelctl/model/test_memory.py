"""The memory that a model file needs: never less than what was seen to work, and room to begin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelctl.model.memory import ample_mib, least_mib

MIB = 1 << 20


@pytest.mark.parametrize(
    ("file_mib", "killed_mib", "ready_mib"), [(0, 48, 56), (48, 96, 128), (200, 256, 340)]
)
def test_the_least_lies_between_what_failed_and_what_worked(
    file_mib: int, killed_mib: int, ready_mib: int
) -> None:
    """What was measured to be too little is below the bound, what sufficed is above it."""
    assert killed_mib <= least_mib(file_mib * MIB) < ready_mib


@pytest.mark.parametrize(("file_mib", "expected"), [(0, 512), (128, 512), (129, 768), (500, 1280)])
def test_a_release_begins_with_room(file_mib: int, expected: int) -> None:
    """Small models get what they always had, large ones twice their size and more."""
    assert expected == ample_mib(file_mib * MIB)


@given(st.integers(0, 1 << 40))
def test_room_is_more_than_the_least(file_bytes: int) -> None:
    """What a command writes is never what the check refuses."""
    assert ample_mib(file_bytes) >= least_mib(file_bytes)
