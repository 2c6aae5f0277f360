"""The table of operators, held against the installed ONNX Runtime and ONNX."""

from onnx import helper

import operator_table
from modelctl.model.soundness import table
from onnx_models import model, node
from onnx_oracle import theirs


def test_the_table_is_of_the_installed_runtime() -> None:
    """A new ONNX Runtime or ONNX is not installed without the table being written anew."""
    assert operator_table.text() == operator_table.TABLE.read_text("utf-8"), (
        "run `python tests/operator_table.py`"
    )


def test_an_operator_is_the_one_of_a_version() -> None:
    """Of several versions the last up to that of the model is meant."""
    versions = [table.operator("ai.onnx", "Add", version) for version in (13, 14, 26)]

    assert [13, 14, 14] == [operator.since for operator in versions if operator]
    assert table.operator("ai.onnx", "Gelu", 19) is None


def test_what_an_operator_takes() -> None:
    """Parameters have marks, attributes kinds, and types their sets."""
    operator = table.operator("ai.onnx", "Clip", 13)

    assert operator is not None
    assert ["", "?", "?"] == [each.mark for each in operator.inputs]
    assert (1, 1) == (operator.least_inputs, operator.least_outputs)
    assert "tensor(float)" in operator.allowed(operator.inputs[0])
    assert "tensor(bool)" not in operator.allowed(operator.inputs[0])


def test_a_kernel_without_end_is_of_one_version() -> None:
    """A kernel for all later versions is none for an operator that has changed since."""
    kernel = table.Kernel(first=7, last=1 << 31, types={})

    assert [True, False] == [kernel.is_of(7), kernel.is_of(8)]


def test_attributes_that_nobody_knows() -> None:
    """The runtime lets a few operators have any attribute, as the table of them says."""
    free = {
        name
        for name in ("LayerNormalization", "SimplifiedLayerNormalization", "Softmax", "Relu")
        if "Unrecognized attribute" not in theirs(_with_attribute(name))
    }

    assert {"LayerNormalization", "SimplifiedLayerNormalization"} == free


def _with_attribute(name: str) -> bytes:
    least = table.operator("ai.onnx", name, 17)
    inputs = " ".join("x" for _ in range(least.least_inputs if least else 1))
    whole = model(node(name, inputs, "y"))
    whole.graph.node[0].attribute.append(helper.make_attribute("foo", 1))
    return bytes(whole.SerializeToString())
