"""Server and client share no core unless the layout says so."""

import pytest

from serving.bench.errors import BenchError
from serving.bench.layouts import TITLES, layouts


def test_the_first_two_cores_are_used() -> None:
    """More cores change nothing, so that tables from different machines mean the same."""
    found = layouts([3, 5, 7, 9])

    assert ((3,), (5,), 1) == (
        found["one-core"].server_cores,
        found["one-core"].client_cores,
        found["one-core"].workers,
    )
    assert ((3, 5), (3, 5), 2) == (
        found["both-cores"].server_cores,
        found["both-cores"].client_cores,
        found["both-cores"].workers,
    )


def test_every_layout_has_a_title() -> None:
    """The tables name each of them."""
    assert list(TITLES) == list(layouts([0, 1]))


def test_one_core_is_too_few() -> None:
    """The client would take the server's time."""
    with pytest.raises(BenchError, match="found 1 usable core, expected 2"):
        layouts([0])
