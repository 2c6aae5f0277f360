"""Commands read a large file once: not again for the next edit, and never for another model's."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from modelctl.model.graph import ArtifactFacts, artifact_facts
from modelctl.repo import remembered, tree
from modelctl.store import folder
from tests.modelctl.cli.linear import EDIT

Modelctl = Callable[..., str]
_LATER_NS = 10_000_000_000  # after which a file counts as at rest


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The artifacts that were read, each time that one was, a while after they were written."""
    found: list[str] = []

    def reading(path: str, content: bytes) -> ArtifactFacts:
        found.append(path)
        return artifact_facts(path, content)

    now_ns = time.time_ns
    monkeypatch.setattr(tree.time, "time_ns", lambda: now_ns() + _LATER_NS)
    monkeypatch.setattr(remembered, "artifact_facts", reading)
    return found


@pytest.mark.usefixtures("served")
def test_edits_read_a_model_once(modelctl: Modelctl, read: list[str]) -> None:
    """After the first look no shift, check or promotion opens the files of the model again."""
    modelctl("shift", *EDIT, "r2=0")
    once = sorted(read)
    modelctl("shift", *EDIT, "r2=50")
    modelctl("check", "--base", "HEAD~1")
    modelctl("promote", *EDIT, "--release", "r2")

    names = ("r1.golden.json", "r1.onnx", "r2.golden.json", "r2.onnx")
    assert [f"examples/artifacts/linear/{name}" for name in names] == once
    assert once == sorted(read)


def test_files_of_the_store_are_read_once_too(
    stored: Path, modelctl: Modelctl, read: list[str]
) -> None:
    """What lies in the laptop's store is remembered like what lies in git."""
    modelctl("shift", *EDIT, "r2=0")
    modelctl("shift", *EDIT, "r2=50")

    names = sorted(file.name for file in folder.of(stored).iterdir())
    assert names == sorted(uri.removeprefix("store:///").split(".")[0] for uri in read)
