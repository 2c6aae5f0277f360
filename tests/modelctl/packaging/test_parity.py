"""The gate: what counts as the same answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from modelctl.errors import UsageError
from modelctl.packaging import parity

NUMBERS = st.floats(-1e6, 1e6, width=32)


def matrix(*values: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """A column of numbers."""
    return np.array(values, dtype=np.float32).reshape(-1, 1)


@given(st.lists(NUMBERS, min_size=1))
def test_holds_for_the_same_answers(values: list[float]) -> None:
    """Whatever a model answers, it answers as itself does."""
    found = parity.compare({"y": matrix(*values)}, {"y": matrix(*values)})

    assert found.holds
    assert len(values) == found.rows


@given(st.lists(NUMBERS, min_size=1), st.integers(0), st.floats(0.02, 10))
def test_finds_the_row_that_is_off(values: list[float], place: int, off: float) -> None:
    """One number that is off by two percent of the largest, or more, is found and named."""
    row = place % len(values)
    wanted = matrix(*values)
    got = wanted.copy()
    got[row] += np.float32(off * max(1.0, float(np.abs(wanted).max())))
    found = parity.compare({"y": wanted}, {"y": got})

    assert 1 == found.failed_rows
    assert [row] == [each.row for each in found.worst]


def test_lets_rounding_pass() -> None:
    """A ten-thousandth, plus a thousandth of the number, is what 32 bits may differ by."""
    found = parity.compare({"y": matrix(0, 1, 1000)}, {"y": matrix(0.0001, 1.001, 1000.9)})

    assert found.holds


def test_takes_sums_of_large_terms_as_they_are() -> None:
    """A small answer among answers of millions is as exact as these, not as itself."""
    found = parity.compare({"y": matrix(3e6, -2e6, 0.5)}, {"y": matrix(3e6, -2e6, 0.75)})

    assert found.holds


@pytest.mark.parametrize("other", [1.0, np.inf, -np.inf])
def test_tells_a_number_from_none(other: float) -> None:
    """NaN is NaN alone, infinity is infinity of the same sign."""
    bad, good = matrix(np.nan, np.inf), matrix(other, np.inf)

    assert not parity.compare({"y": bad}, {"y": good}).holds
    assert parity.compare({"y": bad}, {"y": bad}).holds


def test_wants_the_same_labels() -> None:
    """A label that differs fails its row, and the report shows both."""
    found = parity.compare(
        {"label": np.array(["yes", "no"])}, {"label": np.array(["yes", "maybe"])}
    )

    assert "label, row 1: expected no, found maybe" == str(found.worst[0])


def test_lets_labels_swap_where_the_best_scores_are_equal() -> None:
    """Where two classes are as good as each other, either is right."""
    scores = np.array([[0.5, 0.49995], [0.9, 0.1]], dtype=np.float32)
    wanted = {"label": np.array([0, 0]), "scores": scores}

    assert parity.compare(wanted, {"label": np.array([1, 0]), "scores": scores}).holds
    assert not parity.compare(wanted, {"label": np.array([0, 1]), "scores": scores}).holds


def test_shows_the_worst_rows_first() -> None:
    """Of many rows that differ, those that differ most are shown."""
    wanted = matrix(*range(20))
    found = parity.compare({"y": wanted}, {"y": wanted * 2})

    assert 19 == found.failed_rows
    assert_array_equal(sorted((each.excess for each in found.worst), reverse=True),
                       [each.excess for each in found.worst])  # fmt: skip
    assert 5 == len(found.worst)


def test_compares_by_row_where_shapes_differ() -> None:
    """A column and a list of as many numbers are the same; other sizes are told."""
    assert parity.compare({"y": matrix(1, 2)}, {"y": np.array([1, 2], np.float32)}).holds
    with pytest.raises(UsageError, match=r"found y of shape \(2, 2\), expected \(2, 1\)"):
        parity.compare({"y": matrix(1, 2)}, {"y": np.zeros((2, 2), np.float32)})
    with pytest.raises(UsageError, match="found the outputs z, expected y as well"):
        parity.compare({"y": matrix(1)}, {"z": matrix(1)})
