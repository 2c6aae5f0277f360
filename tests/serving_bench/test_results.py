"""Results survive the file."""

import json
from pathlib import Path

import pytest

from serving.bench import results as stored
from serving.bench.results import Failure, Results, Trial, Where
from serving_bench.figures import cell


def test_results_read_back_as_written(results: Results, tmp_path: Path) -> None:
    """Every cell, start, failure and trial, and what it was measured on."""
    results.failures.append(Failure(Where(1, "one-core", "tiny", "ray"), "did not start"))
    results.trials.append(Trial("overload", "modelserver", {"goodput": 0.9}))

    results.write(tmp_path / "made" / "results.json")

    assert results == stored.read(tmp_path / "made" / "results.json")


def test_another_format_is_refused(tmp_path: Path) -> None:
    """A page is never made from figures that mean something else."""
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"format": 99}))

    with pytest.raises(ValueError, match="found format 99, expected 1"):
        stored.read(path)


def test_refused_answers_are_no_throughput() -> None:
    """A server that refuses quickly is not a fast one."""
    assert 100 == cell("naive", 100, refused=50).per_s
