"""What a start learns from running a model."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
import pytest

from modelserver import errors
from modelserver.model.contract import Contract
from modelserver.model.rows.independence import Independence
from modelserver.model.session import Model
from modelserver.start import batch_curve, trial, warmup
from tests.serving import onnx_models
from tests.serving.loading import XY, Load, specs

PROVEN = Independence(None)
CLAIMED = Independence("an operator of its own", is_claimed=True)


@dataclass
class Session:
    """A session whose runs are counted, and take as long as a test says."""

    session: Any
    run_s: float
    runs: int = 0

    def run(self, *arguments: Any) -> Any:  # noqa: ANN401 - ONNX Runtime has no types
        """Run, and count."""
        self.runs += 1
        return self.session.run(*arguments)

    def perf_counter(self) -> float:
        """A clock on which nothing else takes time."""
        return self.runs * self.run_s


Timed = Callable[..., Model]


@pytest.fixture
def timed(load: Load, monkeypatch: pytest.MonkeyPatch) -> Timed:
    """Loads a model whose runs take `run_s` each."""

    def one(content: onnx.ModelProto, contract: Contract = XY, *, run_s: float) -> Model:
        model = load(content, contract)
        session = Session(model.session, run_s)
        for module in (warmup, batch_curve, trial):
            monkeypatch.setattr(module, "time", session)
        return replace(model, session=session)

    return one


def test_warm_up_measures_and_allows_batches(timed: Timed) -> None:
    """A model whose rows are independent may be batched."""
    profile = warmup.measure(timed(onnx_models.identity("FP32"), run_s=0.0001), None, PROVEN)

    assert (profile.unbatched_because, profile.takes_no_rows) == (None, True)
    assert profile.run_s == pytest.approx(0.0001)


@pytest.mark.parametrize("build", [onnx_models.centred, onnx_models.requantised])
@pytest.mark.parametrize("independence", [PROVEN, CLAIMED])
def test_rows_that_are_seen_to_depend_on_each_other_are_never_batched(
    load: Load, build: Callable[[], onnx.ModelProto], independence: Independence
) -> None:
    """Whatever says that rows are independent, a trial may refute it."""
    profile = warmup.measure(load(build()), None, independence)

    assert profile.unbatched_because == "a row of y depends on the other rows of its batch"


def test_rows_that_nothing_is_known_of_are_never_batched(load: Load) -> None:
    """What a trial would not find does not make rows independent."""
    unknown = Independence("CumSum 'y': it looks along axis 0, where the rows are")
    profile = warmup.measure(load(onnx_models.identity("FP32")), None, unknown)

    assert profile.unbatched_because == (
        "a row may depend on the others: CumSum 'y': it looks along axis 0, where the rows are"
    )


def test_fixed_batch_is_never_batched(load: Load) -> None:
    """A model that takes one row says why it is served unbatched."""
    fixed = Contract(specs(x=("FP32", (1, 2))), specs(y=("FP32", (1, 2))))
    profile = warmup.measure(load(onnx_models.identity("FP32", (1, 2)), fixed), None, PROVEN)

    assert profile.unbatched_because == "the first dimension of x is fixed"


@pytest.mark.parametrize(("run_s", "inline"), [(0.0009, True), (0.0011, False)])
def test_slow_model_gets_a_thread(timed: Timed, *, run_s: float, inline: bool) -> None:
    """A run longer than a millisecond does not belong in the event loop."""
    model = timed(onnx_models.identity("FP32"), run_s=run_s)

    assert warmup.measure(model, None, PROVEN).inline is inline


@pytest.mark.parametrize(
    ("providers", "runs"),
    [(("CPUExecutionProvider",), 1), (("CUDAExecutionProvider", "CPUExecutionProvider"), 2)],
)
def test_first_run_of_a_slow_model_counts_on_a_cpu_only(
    timed: Timed, providers: tuple[str, ...], runs: int
) -> None:
    """Elsewhere it may have chosen or compiled kernels, so a second one is measured."""
    fixed = Contract(specs(x=("FP32", (1, 2))), specs(y=("FP32", (1, 2))))
    model = timed(onnx_models.identity("FP32", (1, 2)), fixed, run_s=0.04)

    profile = warmup.measure(replace(model, providers=providers), None, PROVEN)

    assert profile.run_s == pytest.approx(0.04)
    assert model.session.runs == runs


def test_model_that_cannot_run(load: Load) -> None:
    """A model that fails on made-up input is not ready, and the remedy is named."""
    contract = Contract(specs(x=("INT64", (-1,))), specs(y=("FP32", (-1,))))
    node = onnx.helper.make_node("Gather", ["table", "x"], ["y"])
    empty = onnx.numpy_helper.from_array(np.zeros(0, np.float32), "table")
    graph = onnx_models.build([node], {"x": ("INT64", ("N",))}, {"y": ("FP32", ("N",))}, [empty])

    with pytest.raises(errors.WarmUpFailed, match="give the release a golden file"):
        warmup.measure(load(graph, contract), None, PROVEN)
