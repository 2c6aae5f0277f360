"""Loading and contract on real ONNX Runtime sessions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from modelserver import errors
from modelserver.model.contract import Contract
from modelserver.model.provider_options import CpuOptions, ProviderOptions
from modelserver.model.session import LARGE_BYTES
from modelserver.start import warmup
from modelserver.tensor.bfloat16 import to_bits
from modelserver.tensor.datatypes import DATATYPES
from tests.serving import onnx_models
from tests.serving.loading import XY, Load, specs


@pytest.mark.parametrize("datatype", DATATYPES)
def test_each_datatype_runs(load: Load, datatype: str) -> None:
    """ONNX Runtime takes and gives every datatype of the protocol, BF16 by its bits."""
    contract = Contract(specs(x=(datatype, (-1, 2))), specs(y=(datatype, (-1, 2))))
    loaded = load(onnx_models.identity(datatype), contract)
    feeds = warmup.synthetic(contract, rows=2)

    (found,) = loaded.run(["y"], feeds)

    assert found.dtype == feeds["x"].dtype
    assert np.array_equal(found, feeds["x"])


def test_bfloat16_computes(load: Load) -> None:
    """A BF16 model gives BF16 results, not reinterpreted bits."""
    contract = Contract(specs(x=("BF16", (-1, 2))), specs(y=("FP32", (-1, 2))))
    cast = onnx.helper.make_node("Cast", ["x"], ["y"], to=onnx.TensorProto.FLOAT)
    graph = onnx_models.build([cast], {"x": ("BF16", ("N", 2))}, {"y": ("FP32", ("N", 2))})

    (found,) = load(graph, contract).run(["y"], {"x": to_bits(np.array([[1.5, -2]], np.float32))})

    assert found.tolist() == [[1.5, -2.0]]


@pytest.mark.parametrize(
    ("contract", "problem"),
    [
        (
            Contract(specs(z=("FP32", (-1, 2))), XY.outputs),
            "inputs: z is not in the graph, which has x; inputs: the graph also takes x",
        ),
        (Contract(XY.inputs, specs(z=("FP32", (-1, 2)))), "outputs: z is not in the graph, which"),
        (Contract(specs(x=("INT64", (-1, 2))), XY.outputs), "inputs.x: found FP32, expected INT64"),
        (
            Contract(specs(x=("FP32", (-1, 3))), XY.outputs),
            "inputs.x: found ['N', 2], expected [-1, 3]",
        ),
        (Contract(specs(x=("FP32", (-1, -1))), XY.outputs), "found ['N', 2], expected [-1, -1]"),
        (Contract(specs(x=("FP32", (-1,))), XY.outputs), "found ['N', 2], expected [-1]"),
        (Contract((), XY.outputs), "inputs: the graph also takes x"),
    ],
)
def test_contract_that_the_graph_does_not_keep(
    load: Load, contract: Contract, problem: str
) -> None:
    """Every difference between contract and graph is named before anything is served."""
    with pytest.raises(errors.ContractMismatch) as caught:
        load(onnx_models.identity("FP32"), contract)

    assert problem in str(caught.value)


def test_contract_may_be_narrower_than_the_graph(load: Load) -> None:
    """A fixed size where the graph takes any, or an output left out, is a promise kept."""
    fixed = Contract(specs(a=("FP32", (3, 2)), b=("FP32", (3, 2))), specs(sum=("FP32", (3, 2))))

    assert load(onnx_models.total(), fixed).contract is fixed


def broken_operator() -> onnx.ModelProto:
    """A model with an operator that nobody has registered."""
    node = onnx.helper.make_node("Unheard", ["x"], ["y"], domain="com.example")
    shape = ("FP32", ("N", 2))
    built = onnx_models.build([node], {"x": shape}, {"y": shape})
    built.opset_import.append(onnx.helper.make_opsetid("com.example", 1))
    return built


def future_opset() -> onnx.ModelProto:
    """A model of an opset that does not exist yet."""
    built = onnx_models.identity("FP32")
    built.opset_import[0].version = 999
    return built


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (broken_operator, errors.ModelUnsupported, "Unheard"),
        (future_opset, errors.ModelUnsupported, "opset"),
        (onnx_models.sequence, errors.ModelUnsupported, r"found seq\(tensor\(float\)\)"),
        (lambda: b"\x08\x09:\x03xyz", errors.ModelMalformed, "export the model again"),
    ],
)
def test_model_that_cannot_be_loaded(
    load: Load, build: Callable[[], Any], error: type[Exception], text: str
) -> None:
    """What is wrong with the model decides the error, and ONNX Runtime's own words are kept."""
    with pytest.raises(error, match=text):
        load(build())


def test_provider_that_is_not_there(load: Load) -> None:
    """Asking for a GPU and not getting it is an error, never a silent fall-back."""
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA: there is no missing provider to ask for")

    with pytest.raises(errors.ProviderMissing, match="CUDAExecutionProvider as well"):
        load(onnx_models.identity("FP32"), providers=["cuda", "cpu"])


def test_index_out_of_range_is_the_client_s_fault(load: Load) -> None:
    """Values that the model refuses are told to the client, not counted as our failure."""
    loaded = load(onnx_models.pick(), Contract(specs(x=("INT64", (-1,))), specs(y=("FP32", (-1,)))))

    with pytest.raises(errors.InvalidRequest, match="inputs: the model refuses them"):
        loaded.run(["y"], {"x": np.array([3])})


def test_a_model_runs_without_an_arena(load: Load) -> None:
    """A release may do without the arena; then a large run has nothing to shrink, and succeeds."""
    options = ProviderOptions(cpu=CpuOptions(enable_cpu_mem_arena=False))
    loaded = load(onnx_models.identity("FP32"), XY, options=options)
    rows = np.zeros((LARGE_BYTES // 8, 2), np.float32)

    (found,) = loaded.run(["y"], {"x": rows}, give_back=True)

    assert found.shape == rows.shape
    assert not loaded.session.get_session_options().enable_cpu_mem_arena
    assert load(onnx_models.identity("FP32"), XY).session.get_session_options().enable_cpu_mem_arena
