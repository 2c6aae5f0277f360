"""Outputs that cannot be right are noticed, and lead to where the policy says."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest

from modelserver.codec.calls import Call
from modelserver.inference.guard import SLICE, Guard, Policy
from modelserver.model.contract import Contract
from modelserver.observe.metrics import Metrics
from modelserver.tensor.datatypes import DATATYPES, Array
from modelserver.tensor.spec import TensorSpec
from tests.serving import onnx_models
from tests.serving.conftest import write_release

if TYPE_CHECKING:
    from tests.serving.conftest import Start

WINDOW = 4 * SLICE


class Watched:
    """A guard of a model with the outputs y and z, and what became known of it."""

    def __init__(self, datatype: str = "FP32", **policy: Any) -> None:  # noqa: ANN401
        self.metrics = Metrics(model="sample", release="r1")
        self.heard: list[str | None] = []
        specs = tuple(TensorSpec(name, DATATYPES[datatype], (-1, 2)) for name in "yz")
        wanted = {"window": WINDOW, "nonfinite_share": 0.5, "constant_share": 0.75}
        self.guard = Guard(
            Policy(**({"unready": True} | wanted | policy)),
            Contract((), specs),
            self.metrics,
            self.heard.append,
        )

    def answers(self, number: int, x: list[float], y: list[float] | None = None) -> None:
        """So many answers of one row: `y`, else a row that differs each time."""
        for _ in range(number):
            row = len(self.heard) + self.metrics.requests["", 0]
            self.metrics.requests["", 0] += 1
            inputs = np.array([[*x, row]], np.float64)
            self.answer(inputs, np.array([y or [row, 1.0]], np.float32))

    def answer(self, x: Array, y: Array, **more: Array) -> None:
        """One answer as the exchange hands it over; `more` are inputs, but z is an output."""
        outputs = {"y": y} | ({"z": more.pop("z")} if "z" in more else {})
        self.guard.due -= 1
        nonfinite = not np.isfinite(y.astype(np.float64)).all()
        if nonfinite or self.guard.due <= 0:
            call = Call("", {"x": x} | more, tuple(outputs), 1, None)
            self.guard.look(call, list(outputs.values()), nonfinite=nonfinite)


def test_sound_outputs_are_trusted() -> None:
    """Answers that differ, and few that are not finite, are no reason for doubt."""
    watched = Watched()
    watched.answers(WINDOW * 2, [1.0])
    watched.answers(WINDOW // 4, [1.0], [float("nan"), 1.0])

    assert watched.heard == []
    assert watched.metrics.guard_trips == {"nonfinite": 0, "constant": 0}
    assert watched.metrics.guard_share["nonfinite"] == 0.25


def test_nan_is_doubted_and_forgotten() -> None:
    """Past the bound the reason is told once, and trust is back once the window is clean."""
    watched = Watched()
    watched.answers(WINDOW, [1.0], [float("nan"), 1.0])
    watched.answers(WINDOW, [1.0])

    reason, trusted = watched.heard
    assert reason == (
        "outputs: found 50% nonfinite (expected less than 50%) among the last 256 answers"
    )
    assert trusted is None
    assert watched.metrics.guard_trips["nonfinite"] == 1
    assert watched.metrics.nonfinite_answers == WINDOW


def test_trust_comes_back_late() -> None:
    """Outputs that were suspect are trusted only once the share is below half of the bound."""
    watched = Watched()
    watched.answers(WINDOW, [1.0], [float("nan"), 1.0])
    watched.answers(WINDOW - SLICE, [1.0])
    before = len(watched.heard)
    watched.answers(SLICE, [1.0])

    assert (1, 2) == (before, len(watched.heard))


def test_short_window_is_looked_at_too() -> None:
    """However few answers a window has, those of one measurement decide."""
    watched = Watched(window=1)
    watched.answers(SLICE, [1.0], [float("nan"), 1.0])

    assert 1 == len(watched.heard)


def test_nan_in_any_input_is_the_client_s() -> None:
    """One input that is not finite explains the output, whatever the others are."""
    watched = Watched()
    nan, one = np.array([[np.nan]]), np.array([[1.0]])
    for _ in range(WINDOW):
        watched.answer(nan, np.array([[np.nan, 1.0]], np.float32), other=one)

    assert [] == watched.heard


def test_nan_for_a_text_is_the_model_s() -> None:
    """A text is no number that could explain an output that is none."""
    watched = Watched()
    for _ in range(WINDOW):
        text = np.array([["nan"]], object)
        watched.answer(text, np.array([[np.nan, 1.0]], np.float32))

    assert 1 == len(watched.heard)


def test_nan_of_the_client_is_not_the_model_s() -> None:
    """Whoever sends NaN gets NaN, and changes nothing for others."""
    watched = Watched()
    watched.answers(WINDOW * 2, [float("nan")], [float("nan"), 1.0])

    assert watched.heard == []
    assert watched.metrics.nonfinite_answers == WINDOW * 2


def test_constant_output_is_doubted() -> None:
    """Different inputs that all give the same are noticed."""
    watched = Watched()
    watched.answers(WINDOW, [1.0], [0.5, 0.5])

    (reason,) = watched.heard
    assert reason is not None
    assert reason.startswith("outputs: found 75% constant")
    assert watched.metrics.constant_answers == WINDOW // SLICE - 1


def test_equal_inputs_may_have_equal_outputs() -> None:
    """A client that repeats its question says nothing about the model."""
    watched = Watched()
    for _ in range(WINDOW * 2):
        watched.answer(np.array([[1.0]]), np.array([[0.5, 0.5]], np.float32))

    assert watched.heard == []
    assert watched.metrics.constant_answers == 0


def test_constant_output_beside_another_is_fine() -> None:
    """Outputs are constant only if all of them are."""
    watched = Watched()
    for number in range(WINDOW):
        row = np.array([[number, 1.0]], np.float32)
        watched.answer(row, np.ones((1, 2), np.float32), z=row)

    assert 0 == watched.metrics.constant_answers


def test_output_without_rows_counts_as_a_whole() -> None:
    """Where an output has other rows than the call, more than its first one is looked at."""
    watched = Watched()
    for number in range(WINDOW):
        row = np.array([[number, 1.0]], np.float32)
        watched.answer(row, np.array([[1.0, 1.0], [number, 1.0]], np.float32))

    assert 0 == watched.metrics.constant_answers


def test_labels_may_be_constant() -> None:
    """A whole number that is often the same is what a classifier gives."""
    watched = Watched("INT64")
    watched.answers(WINDOW * 2, [1.0], [1, 1])

    assert watched.heard == []


def test_number_of_rows_does_not_hide_a_constant() -> None:
    """Calls of different sizes are compared by their first rows."""
    watched = Watched()
    for number in range(WINDOW):
        rows = 1 + number % 3
        x = np.full((rows, 1), float(number))
        watched.guard.due -= 1
        if watched.guard.due <= 0:
            call = Call("", {"x": x}, ("y",), rows, None)
            watched.guard.look(call, [np.ones((rows, 2), np.float32)], nonfinite=False)

    assert watched.metrics.constant_answers == WINDOW // SLICE - 1


@pytest.mark.parametrize(("unready", "status"), [("true", 503), ("false", 200)])
def test_nan_makes_the_server_unready_if_so_configured(
    tmp_path: Path, start: "Start", unready: str, status: int
) -> None:
    """Readiness tells the reason, requests are still answered, and good answers bring it back."""
    settings = {"GUARD_WINDOW": SLICE, "GUARD_UNREADY": unready}
    server = start(write_release(tmp_path, onnx_models.logarithm(), **settings))
    server.until("ready")

    def ask(value: float) -> httpx.Response:
        tensor = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [value, 2]}
        return [server.infer({"inputs": [tensor]}) for _ in range(SLICE)][-1]

    answer = ask(-1.0)
    doubted = server.client.get(f"{server.url}/v2/health/ready")
    shares = server.metric("modelserver_output_guard_share", kind="nonfinite")
    gauge = server.metric("modelserver_ready")
    loaded = server.client.get(f"{server.url}/v2/models/sample/ready")
    ask(3.0)
    trusted = server.client.get(f"{server.url}/v2/health/ready")

    assert (answer.status_code, doubted.status_code, trusted.status_code) == (200, status, 200)
    assert loaded.status_code == 200
    assert (doubted.json()["state"] == "suspect") == (gauge == 0.0) == (status == 503)
    assert shares == 1.0
    assert server.metric("modelserver_output_guard_trips_total", kind="nonfinite") == 1
    assert server.events("outputs-suspect")[0]["kind"] == "nonfinite"
