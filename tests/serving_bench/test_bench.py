"""The harness as people call it."""

import itertools
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from serving.bench import bare, wrk
from serving.bench import results as stored
from serving.bench.__main__ import main


@pytest.mark.parametrize("option", ["--peers", "--models", "--layouts", "--experiments"])
def test_unknown_names_are_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is started, with the names that are known."""
    with pytest.raises(SystemExit):
        main([option, "nonesuch"])

    assert "found nonesuch, expected some of" in capsys.readouterr().err


def test_without_a_load_client_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Exit code 2 and what to install."""
    monkeypatch.setenv("PATH", "")

    code = main(["--output", str(tmp_path / "results.json")])

    assert 2 == code
    assert "wrk is missing: install it" in capsys.readouterr().err


def test_calls_are_timed_until_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call has its time, and they add up to what was asked."""
    monkeypatch.setattr(bare, "time", SimpleNamespace(perf_counter=itertools.count().__next__))

    assert [1, 1, 1] == bare.timed(lambda: None, seconds=3)


@pytest.mark.skipif(not shutil.which("wrk"), reason=wrk.MISSING)
def test_a_short_run_measures_ours_the_naive_one_and_the_bare_runtime(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every cell has answers, none of them refused or lost, and the tables are printed."""
    path = tmp_path / "results.json"
    short = ["--models", "tiny", "--rounds", "1", "--seconds", "1"]

    code = main([*short, "--folder", str(tmp_path), "--output", str(path)])

    found = stored.read(path)
    assert 0 == code
    assert [] == found.failures
    assert {("bare", 1)} | {
        (name, at_once) for name in ("modelserver", "naive") for at_once in (1, 8, 32)
    } == {(cell.where.contestant, cell.concurrency) for cell in found.cells}
    assert all(cell.per_s > 0 and not cell.refused and not cell.lost for cell in found.cells)
    assert "### MLP 4-16-3, json: server on one core" in capsys.readouterr().out
