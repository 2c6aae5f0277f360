"""The table of supported versions, held against the installed ONNX Runtime itself."""

import onnxruntime
import pytest
from onnx import TensorProto, helper
from onnxruntime.capi.onnxruntime_pybind11_state import Fail
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as NoKernel

from modelctl.model.onnxruntime_support import MAX_IR_VERSION, ONNXRUNTIME, OPSETS


@pytest.fixture(autouse=True)
def _quiet() -> None:
    onnxruntime.set_default_logger_severity(4)


def _load(*, ir_version: int = 8, opsets: dict[str, int] | None = None) -> None:
    imports = {"": 17} | (opsets or {})
    tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("a", "b")]
    graph = helper.make_graph(
        [helper.make_node("Add", ["a", "a"], ["b"])], "g", tensors[:1], tensors[1:]
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid(*opset) for opset in imports.items()]
    )
    model.ir_version = ir_version
    onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def _domain(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain


def test_the_table_is_for_the_installed_version() -> None:
    """A new ONNX Runtime is not installed without the table being looked at."""
    installed = onnxruntime.__version__

    assert installed.startswith(f"{ONNXRUNTIME}.")


def test_ir_version() -> None:
    """The highest IR version loads and the next one does not."""
    _load(ir_version=MAX_IR_VERSION)

    with pytest.raises(Fail, match="IR"):
        _load(ir_version=MAX_IR_VERSION + 1)


@pytest.mark.parametrize("domain", OPSETS)
def test_operator_sets(domain: str) -> None:
    """The lowest and the highest version of a domain load and the one past it does not."""
    low, high = OPSETS[domain]
    for version in (low, high):
        _load(opsets={_domain(domain): version})

    with pytest.raises(Fail, match="Opset"):
        _load(opsets={_domain(domain): high + 1})


def test_older_operators_have_no_kernels() -> None:
    """Below the lowest version of ai.onnx even an addition cannot be run."""
    lowest, _ = OPSETS["ai.onnx"]

    with pytest.raises(NoKernel, match="Add"):
        _load(opsets={"": lowest - 1})
