"""Charts as paths of SVG."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelctl.local.observe.charts import HEIGHT, WIDTH, chart, nice

NUMBERS = st.lists(st.none() | st.floats(0, 1e9), min_size=1, max_size=50)


@given(st.floats(min_value=1e-6, max_value=1e12))
def test_top_is_round_and_not_below(highest: float) -> None:
    """The top of a chart has one or two digits, and is neither below nor far above its lines."""
    top = nice(highest)

    assert highest <= top * (1 + 1e-6)
    assert top <= 2 * highest * (1 + 1e-6)
    assert math.isclose(top, float(f"{top:.1e}"), rel_tol=1e-9)


@given(NUMBERS)
def test_every_point_lies_in_the_drawing(numbers: list[float | None]) -> None:
    """Whatever the numbers, a path stays inside, and has a point for each of them."""
    (line,) = chart("Requests", "/s", {"r1": numbers}).lines
    points = re.findall(r"[ML]([\d.]+) ([\d.]+)", line.path)

    assert sum(number is not None for number in numbers) == len(points)
    assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in points)


def test_gaps() -> None:
    """Where nothing was measured the line is interrupted."""
    (line,) = chart("Requests", "/s", {"r1": [1.0, 1.0, None, 1.0]}).lines

    assert ["M0.0 0.0", "L200.0 0.0", "M600.0 0.0"] == re.findall(r"[ML][\d.]+ [\d.]+", line.path)


@pytest.mark.parametrize(
    ("numbers", "told"),
    [([1.0, 2.5, None], "r1 2.5 /s"), ([None], "nothing measured"), ([], "nothing measured")],
)
def test_spoken(numbers: list[float | None], told: str) -> None:
    """Those who cannot see the chart are told its last numbers."""
    assert (
        f"Requests over the last hour; last: {told}"
        == chart("Requests", "/s", {"r1": numbers}).spoken
    )
