"""What a start learns from running a model."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from modelserver import errors, warmup
from modelserver.contract import Contract
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


def test_model_that_cannot_run(load: Load) -> None:
    """A model that fails on made-up input is not ready, and the remedy is named."""
    contract = Contract(specs(x=("INT64", (-1,))), specs(y=("FP32", (-1,))))
    node = onnx.helper.make_node("Gather", ["table", "x"], ["y"])
    empty = onnx.numpy_helper.from_array(np.zeros(0, np.float32), "table")
    graph = onnx_models.build([node], {"x": ("INT64", ("N",))}, {"y": ("FP32", ("N",))}, [empty])

    with pytest.raises(errors.WarmUpFailed, match="give the release a golden file"):
        warmup.measure(load(graph, contract), None)
