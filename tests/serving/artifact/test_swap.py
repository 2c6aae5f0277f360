"""Somebody swaps the files of the cache while starts go on: the other bytes are never loaded."""

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from modelserver.artifact import still
from modelserver.artifact.cache import Cache
from modelserver.model import session
from modelserver.model.session import Model
from tests.serving import onnx_models
from tests.serving.artifact.wanted import wanted
from tests.serving.loading import XY

STARTS = 60


def scaled(factor: float) -> bytes:
    """A model that gives its input times `factor`; every such model has the same size."""
    model = onnx_models.build(
        [helper.make_node("Mul", ["x", "factor"], ["y"])],
        {"x": ("FP32", ("N", 2))},
        {"y": ("FP32", ("N", 2))},
        [numpy_helper.from_array(np.array([factor], np.float32), "factor")],
    )
    return bytes(onnx.ModelProto.SerializeToString(model))


GOOD, BAD = scaled(2), scaled(3)


def flip_link(path: Path, beside: Path) -> None:
    """Let the name be a link to either model in turn."""
    for content in (GOOD, BAD):
        target = beside / "target"
        target.write_bytes(content)
        (beside / "link").symlink_to(target)
        (beside / "link").replace(path)


def rename_over(path: Path, beside: Path) -> None:
    """Let the name be either model in turn."""
    for content in (GOOD, BAD):
        (beside / "other").write_bytes(content)
        (beside / "other").replace(path)


def rewrite_in_place(path: Path, _: Path) -> None:
    """Write either model into the file that is there."""
    for content in (BAD, GOOD):
        with path.open("r+b") as file:
            file.write(content)


def keep_open_and_write(path: Path, _: Path) -> None:
    """The same through one descriptor, as fast as can be."""
    with path.open("r+b") as file:
        for content in itertools.islice(itertools.cycle((BAD, GOOD)), 200):
            os.pwrite(file.fileno(), content, 0)


def leave_pipe(path: Path, beside: Path) -> None:
    """Let the name be a pipe for a moment."""
    os.mkfifo(beside / "pipe")
    (beside / "pipe").replace(path)


ATTACKS = [flip_link, rename_over, rewrite_in_place, keep_open_and_write, leave_pipe]


@contextmanager
def attacking(attack: Callable[[Path, Path], None], path: Path, beside: Path) -> Iterator[None]:
    """Somebody who does this again and again."""
    end = threading.Event()

    def again() -> None:
        while not end.is_set():
            with suppress(OSError):  # the start was quicker
                attack(path, beside)

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def load(path: Path) -> Model:
    """The model of a file."""
    return session.load(path, XY, providers=["cpu"], threads=1)


@pytest.mark.parametrize("suffix", ["", ".partial"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_other_bytes_are_never_loaded(
    root: Path, cache: Path, tmp_path: Path, attack: Callable[[Path, Path], None], suffix: str
) -> None:
    """Every start has the declared model, whatever bears its name at any moment."""
    (root / "model.onnx").write_bytes(GOOD)
    artifact = wanted("file:model.onnx", GOOD)
    path = cache / "sha256" / (artifact.sha256 + suffix)
    path.parent.mkdir(parents=True)
    one = {"x": np.ones((1, 2), np.float32)}
    factors = []
    with attacking(attack, path, tmp_path):
        for _ in range(STARTS):
            with Cache(cache, root) as used:
                factors.append(float(used.use(artifact, load).run(["y"], one)[0][0, 0]))

    assert [2.0] * STARTS == factors


@pytest.mark.parametrize("content", [BAD, GOOD[:-1], GOOD + b"x"], ids=["other", "less", "more"])
def test_what_somebody_wrote_to_is_fetched_anew(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    """Who writes to what has just arrived keeps no start from the declared model."""
    (root / "model.onnx").write_bytes(GOOD)
    artifact = wanted("file:model.onnx", GOOD)
    partial = cache / "sha256" / f"{artifact.sha256}.partial"
    hold = still.hold

    def write_first(descriptor: int, max_bytes: int) -> still.Still:
        if partial.exists():
            partial.write_bytes(content)
        return hold(descriptor, max_bytes)

    monkeypatch.setattr(still, "hold", write_first)

    with Cache(cache, root) as used:
        assert GOOD == used.use(artifact, Path.read_bytes)
