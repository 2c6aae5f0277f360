"""The notebook, cell by cell, in a repository of one's own."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelctl.__main__ import main
from scratch import PROJECT, git

_CELLS = json.loads((PROJECT / "examples/notebook/release.ipynb").read_bytes())["cells"]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that `modelctl init` made, which is where the notebook runs."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ann")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ann@example.com")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    assert 0 == main(["init", "shop"])
    monkeypatch.chdir(tmp_path / "shop")
    return tmp_path / "shop"


@pytest.mark.timeout(600)  # the converter's packages are fetched the first time
def test_every_cell(repository: Path) -> None:
    """Each runs; the release is on its branch alone, with its metric and its golden file."""
    before = git(repository, "rev-parse", "main")
    names: dict[str, Any] = {}
    run: Callable[..., None] = exec
    for cell in _CELLS:
        if cell["cell_type"] == "code":
            run(compile("".join(cell["source"]), f"cell {cell['id']}", "exec"), names)

    assert before == git(repository, "rev-parse", "main")
    assert "metrics: {accuracy: 0." in names["shown"]
    assert "golden:" in names["shown"]


def test_no_output_is_kept() -> None:
    """What somebody's run printed is not in git."""
    kept = [cell["id"] for cell in _CELLS if cell.get("outputs") or cell.get("execution_count")]

    assert [] == kept
