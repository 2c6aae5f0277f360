"""Whether, and how far, rows together pay."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from modelserver.errors import InferenceFailed
from modelserver.start import batch_curve
from tests.serving import onnx_models
from tests.serving.asking import expected
from tests.serving.conftest import write_release
from tests.serving.gate import PROGRAM, shut

if TYPE_CHECKING:
    from tests.serving.conftest import Server, Start

DISTINCT = 64
# A server for which 16 rows pay, whatever this machine measures, and whose runs wait for the test.
BATCHING = f"""
from modelserver.start import batch_curve
batch_curve.measure = lambda *_, **__: {{1: 1.0, 16: 1.0}}
{PROGRAM}
"""


@pytest.mark.parametrize(
    ("curve", "rows"),
    [
        ({1: 10.0}, 1),
        ({1: 10.0, 2: 10.0, 4: 10.0, 8: 10.0}, 8),
        ({1: 24.0, 2: 47.0, 4: 92.0}, 1),
        ({1: 29.0, 4: 38.0, 8: 69.0, 16: 97.0, 32: 184.0}, 16),
        ({1: 10.0, 2: 12.0, 4: 40.0}, 2),
    ],
)
def test_only_as_many_rows_as_gain(curve: Mapping[int, float], rows: int) -> None:
    """Where twice the rows give hardly more a second, half of them answer sooner."""
    assert batch_curve.useful_rows(curve) == rows


def test_sizes_end_at_the_limit() -> None:
    """Powers of two and the limit itself are tried."""
    tried = []
    curve = batch_curve.measure(tried.append, 12)

    assert list(curve) == [1, 2, 4, 8, 12]
    assert set(tried) == {1, 2, 4, 8, 12}


def test_trying_ends_where_nothing_is_gained(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that takes longer with each row is not tried with many."""
    now_s = [0.0]
    monkeypatch.setattr(batch_curve, "time", SimpleNamespace(perf_counter=lambda: now_s[0]))

    def run(rows: int) -> None:
        now_s[0] += 0.002 * rows

    curve = batch_curve.measure(run, 64)

    assert list(curve) == [1, 2, 4]
    assert batch_curve.useful_rows(curve) == 1


def test_two_long_rows_are_enough_to_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one run is long and two rows gain nothing, a start does not wait for four."""
    now_s = [0.0]
    monkeypatch.setattr(batch_curve, "time", SimpleNamespace(perf_counter=lambda: now_s[0]))

    def run(rows: int) -> None:
        now_s[0] += 0.012 * rows

    assert list(batch_curve.measure(run, 64)) == [1, 2]


def test_a_long_first_run_that_gains_a_little_is_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It paid for its memory: without that, two rows may gain enough."""
    now_s = [0.0]
    monkeypatch.setattr(batch_curve, "time", SimpleNamespace(perf_counter=lambda: now_s[0]))
    memory_s = iter([0.008])

    def run(rows: int) -> None:
        now_s[0] += 0.04 if rows == 1 else 0.064 + next(memory_s, 0)

    curve = batch_curve.measure(run, 2, singles=[0.04])

    assert curve == pytest.approx({1: 0.04, 2: 0.064})
    assert batch_curve.useful_rows(curve) == 2


def test_a_long_model_runs_no_more_often_than_it_must(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that knows one row tries two rows once, where they plainly gain nothing."""
    now_s, tried = [0.0], []
    monkeypatch.setattr(batch_curve, "time", SimpleNamespace(perf_counter=lambda: now_s[0]))

    def run(rows: int) -> None:
        tried.append(rows)
        now_s[0] += 0.04 * rows

    assert batch_curve.measure(run, 32, singles=[0.041]) == pytest.approx({1: 0.041, 2: 0.08})
    assert tried == [2]


def test_a_model_that_refuses_two_rows_says_why() -> None:
    """That is another reason than rows which gain nothing."""

    def run(rows: int) -> None:
        if rows > 1:
            raise InferenceFailed("too many")

    with pytest.raises(InferenceFailed, match="too many"):
        batch_curve.measure(run, 8)


def test_a_first_run_that_was_held_up_is_no_gain(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row is measured again before rows together are believed to pay."""
    now_s = [0.0]
    monkeypatch.setattr(batch_curve, "time", SimpleNamespace(perf_counter=lambda: now_s[0]))
    held_up_s = iter([0.05])

    def run(rows: int) -> None:
        now_s[0] += 0.04 * rows + next(held_up_s, 0)

    curve = batch_curve.measure(run, 4)

    assert curve == pytest.approx({1: 0.04, 2: 0.08})
    assert batch_curve.useful_rows(curve) == 1


@pytest.mark.parametrize(("first_s", "tried"), [(2.0, [1, 2, 4, 8]), (40.0, [1, 2])])
def test_first_runs_that_prepare_are_not_counted(
    monkeypatch: pytest.MonkeyPatch, first_s: float, tried: list[int]
) -> None:
    """A GPU may look for its kernels at each new number of rows; no start waits for minutes."""
    now_s, seen = [0.0], set()
    monkeypatch.setattr(batch_curve, "time", SimpleNamespace(perf_counter=lambda: now_s[0]))

    def run(rows: int) -> None:
        now_s[0] += 0.02 if rows in seen else first_s
        seen.add(rows)

    curve = batch_curve.measure(run, 8, singles=[0.02], prepares=True)

    assert curve == pytest.approx(dict.fromkeys(tried, 0.02))


def test_rows_that_the_model_refuses_end_the_curve() -> None:
    """More rows than the model takes are never used."""

    def run(rows: int) -> None:
        if rows > 4:
            raise InferenceFailed("too many")

    assert list(batch_curve.measure(run, 64)) == [1, 2, 4]


def test_trying_takes_no_longer_than_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would take too long to try is not used."""
    now_s = [0.0]
    monkeypatch.setattr(batch_curve, "time", SimpleNamespace(perf_counter=lambda: now_s[0]))

    def run(_: int) -> None:
        now_s[0] += 0.4

    assert list(batch_curve.measure(run, 64)) == [1]


def ask(server: "Server", row: list[float]) -> list[float]:
    """The answer to a request of one row."""
    tensor = {"name": "x", "shape": [1, 4], "datatype": "FP32", "data": row}
    (output,) = server.infer({"inputs": [tensor]}).json()["outputs"]
    found: list[float] = output["data"]
    return found


def test_batches_are_taken_apart_again(tmp_path: Path, start: "Start") -> None:
    """Of 64 different requests in batches of several rows, each gets its own answer."""
    server = start(
        write_release(tmp_path, onnx_models.affine(), BATCHING_MAX_SIZE=16), ("-c", BATCHING)
    )
    server.until("ready")
    rows = np.random.default_rng(5).normal(size=(DISTINCT, 4)).astype(np.float32)
    with ThreadPoolExecutor(DISTINCT) as pool, shut(tmp_path):
        asked = [pool.submit(ask, server, row.tolist()) for row in rows]
        server.until_metric("modelserver_requests_in_flight", DISTINCT)

    found = np.array([each.result() for each in asked], np.float32)

    assert server.metric("modelserver_batch_rows_sum") == DISTINCT
    assert server.metric("modelserver_batch_rows_count") <= 1 + DISTINCT / 16
    assert np.allclose(found, expected(rows.tolist()), rtol=1e-4, atol=1e-3)
    assert len(np.unique(rows.round(2), axis=0)) == DISTINCT


def test_the_choice_is_told(tmp_path: Path, start: "Start") -> None:
    """Metadata and metrics say how many rows run together, and what was measured."""
    server = start(write_release(tmp_path, onnx_models.affine(), BATCHING_MAX_SIZE=4))
    server.until("ready")

    parameters = server.client.get(f"{server.url}/v2/models/sample").json()["parameters"]

    assert parameters["batch_rows"] == "4"
    assert parameters["batching"] == "up to 4 rows, never waits"
    assert parameters["independence"] == "proven from the graph"
    assert parameters["execution"] == "event loop"
    assert server.metric("modelserver_batch_limit_rows") == 4
    assert server.metric("modelserver_warm_up_run_seconds", rows="4") > 0
    assert server.until("ready")["batching"] == parameters["batching"]


CENTRED = "ReduceMean 'm': it looks along axis 0, where the rows are"


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (onnx_models.identity("FP32", (1, 2)), "off: the first dimension of x is fixed"),
        (onnx_models.identity("FP32", ()), "off: x has no dimensions"),
        (onnx_models.centred(), f"off: a row may depend on the others: {CENTRED}"),
    ],
)
def test_models_without_batches_say_why(
    tmp_path: Path, start: "Start", model: onnx.ModelProto, reason: str
) -> None:
    """A model that cannot be batched is served all the same, and its metadata has the reason."""
    server = start(write_release(tmp_path, model, BATCHING_MAX_SIZE=8))
    server.until("ready")

    parameters = server.client.get(f"{server.url}/v2/models/sample").json()["parameters"]

    assert parameters["batching"] == reason
    assert parameters["batch_rows"] == "1"
