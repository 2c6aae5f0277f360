"""The picture of a run: charts of lines over time."""

import re
from xml.etree import ElementTree as ET

from tests.watch.picture import Chart, draw
from tests.watch.prometheus import Line

LINES = [
    ("r1", Line({}, [(0, 1.0), (600, 0.5)])),
    ("r1 in git", Line({}, [(0, 1.0), (600, 0.9)])),
    ("r2", Line({}, [(300, 0.0), (600, 0.5)])),
]


def test_lines_are_drawn_in_their_place() -> None:
    """A chart has its title, a line for each series, its scale, and the minutes below."""
    text = draw("Run", [Chart("Share & more", LINES, "percentunit", " in git")], 0, 600)
    ET.fromstring(text)  # noqa: S314 - our own words

    points = re.findall(r'class="([^"]+)" points="([^"]*)"', text)
    assert ["line c0", "line c0 wanted", "line c1"] == [kind for kind, _ in points]
    assert "44.0,26.0 416.0,101.0" == points[0][1]
    assert all(word in text for word in ("Share &amp; more", ">100 %<", ">10 min<"))


def test_charts_stand_beside_and_below_each_other() -> None:
    """The third of three begins a line of its own."""
    text = draw("Run", [Chart(str(at), LINES) for at in range(3)], 0, 600)

    headings = re.findall(r'class="heading" x="(\d+)" y="(\d+)"', text)
    assert [("44", "17"), ("484", "17"), ("44", "229")] == headings
