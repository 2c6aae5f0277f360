"""Page and picture say what the figures say."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from serving.bench import picture, report, tables
from serving.bench.markdown import number, spread, table
from serving.bench.models import MODELS
from serving.bench.ratios import Spread
from serving.bench.results import Failure, Results, Trial, Where

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.456, "0.46"),
        (9.99, "9.99"),
        (12.34, "12.3"),
        (123.4, "123"),
        (65_534.2, "65 534"),
        (8, "8"),
        (1234, "1 234"),
        (None, "-"),
        (float("nan"), "-"),
    ],
)
def test_numbers_have_three_digits_that_count(value: float | None, text: str) -> None:
    """More would claim a precision that the figures do not have; counts are exact."""
    assert text == number(value)


def test_a_spread_shows_the_range() -> None:
    """Median first, lowest and highest in brackets."""
    assert "2.00 [1.00-3.00]" == spread(Spread(2, 1, 3))
    assert "-" == spread(None)


def test_tables_align_numbers_right() -> None:
    """The first column holds names."""
    assert ["| a | b |", "| --- | --: |", "| x | 1 |"] == table(["a", "b"], [["x", "1"]])


def test_the_table_of_a_workload_has_a_row_for_each_contestant(results: Results) -> None:
    """Those that were measured, ours among them, with the ratio in front."""
    lines = tables.workload(results, "one-core", MODELS[0], "json")

    names = [line.split("|")[1].strip() for line in lines[2:]]
    assert ["**modelserver**", "naive FastAPI", "MLServer, batching"] == names
    assert "11.0 [10.0-12.0] | 1 000" in lines[3]


def test_a_table_without_figures_is_left_out(results: Results) -> None:
    """The conv net was not measured here."""
    assert [] == tables.workload(results, "one-core", MODELS[2], "json")
    assert [] == tables.starts(results, "one-core", MODELS[2])


def test_starts_say_who_had_to_be_killed(results: Results) -> None:
    """A server that does not end on SIGTERM is named."""
    lines = tables.starts(results, "one-core", MODELS[0])

    assert "0.25 [0.25-0.25] | 4.00" in lines[3]
    assert "killed 1 times" in lines[3]


def test_doubts_name_failures_and_lost_answers(results: Results) -> None:
    """Nothing that went wrong is left out of the page."""
    results.failures.append(Failure(Where(0, "one-core", "tiny", "ray"), "it did not start"))

    lines = tables.doubts(results)

    assert "- Ray Serve (one-core tiny, round 0): it did not start" == lines[0]
    assert "3 answers refused, 0 lost, of 1203" in lines[1]


def test_the_page_holds_goals_tables_and_machine(results: Results) -> None:
    """Made from the figures alone; nothing of the template is left unfilled."""
    results.trials.append(Trial("readiness", "modelserver", {"saturated_p99_ms": 5.0}))

    page = report.page(results)

    assert "| 11.0 [10.0-12.0] | yes |" in page
    assert "| saturated p99 ms | 5.00 |" in page
    assert "A Processor, 2 cores, 8 GiB" in page
    assert "$" not in page


def test_page_and_picture_are_written_from_the_file(results: Results, tmp_path: Path) -> None:
    """The report is a step of its own: the same file gives the same page."""
    results.write(tmp_path / "results.json")

    code = report.main([str(tmp_path / "results.json"), str(tmp_path)])

    assert 0 == code
    assert report.page(results) == (tmp_path / "benchmarks.md").read_text()
    assert picture.draw(results) == (tmp_path / "benchmarks.svg").read_text()


def test_the_picture_is_one_bar_for_each_contestant(results: Results) -> None:
    """Longest first, as long as its share, and readable on a dark page."""
    drawn = picture.draw(results)

    root = ET.fromstring(drawn)  # noqa: S314 - drawn one line above
    widths = [float(bar.attrib["width"]) for bar in root.iter(f"{SVG}rect")]
    assert sorted(widths, reverse=True) == widths
    assert 3 == len(widths)
    assert abs(widths[0] / widths[1] - 11) < 0.1
    assert "prefers-color-scheme: dark" in drawn
