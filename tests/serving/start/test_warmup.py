"""What a start learns from running a model."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
import pytest

from modelserver import errors
from modelserver.model.contract import Contract
from modelserver.start import warmup
from tests.serving import onnx_models
from tests.serving.loading import Load, specs


def test_warm_up_measures_and_allows_batches(load: Load) -> None:
    """A model whose rows are independent may be batched, and is quick enough for the event loop."""
    profile = warmup.measure(load(onnx_models.identity("FP32")), None)

    assert (profile.unbatched_because, profile.takes_no_rows, profile.inline) == (None, True, True)


@pytest.mark.parametrize("build", [onnx_models.centred, onnx_models.requantised])
def test_rows_that_depend_on_each_other_are_never_batched(
    load: Load, build: Callable[[], onnx.ModelProto]
) -> None:
    """A model that mixes the rows of a batch would let one client's numbers change another's."""
    profile = warmup.measure(load(build()), None)

    assert profile.unbatched_because == "a row of y depends on the other rows of its batch"


def test_fixed_batch_is_never_batched(load: Load) -> None:
    """A model that takes one row says why it is served unbatched."""
    fixed = Contract(specs(x=("FP32", (1, 2))), specs(y=("FP32", (1, 2))))
    profile = warmup.measure(load(onnx_models.identity("FP32", (1, 2)), fixed), None)

    assert profile.unbatched_because == "the first dimension of x is fixed"


def test_slow_model_gets_a_thread(load: Load) -> None:
    """A run longer than a millisecond does not belong in the event loop."""
    contract = Contract(specs(x=("FP32", (1, 1))), specs(y=("FP32", (512, 1))))

    assert not warmup.measure(load(onnx_models.slow(2), contract), None).inline


@dataclass
class Counted:
    """A session that counts its runs."""

    session: Any
    runs: int = 0

    def run(self, *arguments: Any) -> Any:  # noqa: ANN401 - ONNX Runtime has no types
        """Run, and count."""
        self.runs += 1
        return self.session.run(*arguments)


@pytest.mark.parametrize(
    ("providers", "runs"),
    [(("CPUExecutionProvider",), 1), (("CUDAExecutionProvider", "CPUExecutionProvider"), 2)],
)
def test_first_run_of_a_slow_model_counts_on_a_cpu_only(
    load: Load, providers: tuple[str, ...], runs: int
) -> None:
    """Elsewhere it may have chosen or compiled kernels, so a second one is measured."""
    contract = Contract(specs(x=("FP32", (1, 1))), specs(y=("FP32", (512, 1))))
    model = load(onnx_models.slow(150), contract)
    session = Counted(model.session)

    profile = warmup.measure(replace(model, session=session, providers=providers), None)

    assert profile.run_s > 0.03
    assert session.runs == runs


def test_model_that_cannot_run(load: Load) -> None:
    """A model that fails on made-up input is not ready, and the remedy is named."""
    contract = Contract(specs(x=("INT64", (-1,))), specs(y=("FP32", (-1,))))
    node = onnx.helper.make_node("Gather", ["table", "x"], ["y"])
    empty = onnx.numpy_helper.from_array(np.zeros(0, np.float32), "table")
    graph = onnx_models.build([node], {"x": ("INT64", ("N",))}, {"y": ("FP32", ("N",))}, [empty])

    with pytest.raises(errors.WarmUpFailed, match="give the release a golden file"):
        warmup.measure(load(graph, contract), None)
