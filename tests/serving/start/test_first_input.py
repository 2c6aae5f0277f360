"""The first input that a model runs on: an example, or a guess."""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from modelserver.errors import ContractMismatch, WarmUpFailed
from modelserver.model.contract import Contract
from modelserver.start import first_input
from tests.serving import onnx_models
from tests.serving.loading import XY, Load, specs


def known(keys: list[str]) -> onnx.ModelProto:
    """Gives the number of each text, of which it takes these alone."""
    node = helper.make_node(
        "LabelEncoder",
        ["x"],
        ["y"],
        domain="ai.onnx.ml",
        keys_strings=keys,
        values_int64s=list(range(len(keys))),
    )
    picked = helper.make_node("Gather", ["table", "y"], ["z"])
    table = numpy_helper.from_array(np.arange(len(keys), dtype=np.float32), "table")
    shape = ("N", 1)
    model = onnx_models.build(
        [node, picked], {"x": ("BYTES", shape)}, {"z": ("FP32", shape)}, [table]
    )
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 2))
    node = model.graph.node[0]
    node.attribute.append(helper.make_attribute("default_int64", 1000))
    return model


def window(size: int, state: int = 3) -> onnx.ModelProto:
    """Gives x @ w + s, where x must have `size` columns though it does not say so."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "s"], ["y"]),
    ]
    weight = numpy_helper.from_array(np.ones((size, state), np.float32), "w")
    return onnx_models.build(
        nodes,
        {"x": ("FP32", ("N", "T")), "s": ("FP32", ("N", state))},
        {"y": ("FP32", ("N", state))},
        [weight],
    )


@pytest.mark.parametrize("size", [1, 8, 512])
def test_a_free_size_is_guessed(load: Load, size: int) -> None:
    """A window that has one length only, without saying so, is found among usual lengths."""
    contract = Contract(
        specs(x=("FP32", (-1, -1)), s=("FP32", (-1, 3))), specs(y=("FP32", (-1, 3)))
    )

    found = first_input.find(load(window(size), contract), None)

    assert (1, size) == found.feeds["x"].shape
    assert found.run_s > 0


@pytest.mark.parametrize("keys", [["0", "9"], ["1", "9"], ["", "9"]])
def test_a_value_is_guessed(load: Load, keys: list[str]) -> None:
    """Encoders that know no zero may know a one, or an empty text."""
    contract = Contract(specs(x=("BYTES", (-1, 1))), specs(z=("FP32", (-1, 1))))

    found = first_input.find(load(known(keys), contract), None)

    assert keys[0] == found.feeds["x"][0, 0]


def test_without_a_guess_that_runs_the_remedy_comes_first(load: Load) -> None:
    """What to do stands before ONNX Runtime's long words, which may be cut."""
    contract = Contract(specs(x=("BYTES", (-1, 1))), specs(z=("FP32", (-1, 1))))

    with pytest.raises(WarmUpFailed) as caught:
        first_input.find(load(known(["cat", "dog"]), contract), None)

    text = str(caught.value)
    assert text.index("give the release a golden file") < 80
    assert text.index('{"cases": [') < 200
    assert "indices element out of data bounds" in text
    assert len(text) < 600


def test_an_example_is_the_only_input_that_is_tried(load: Load) -> None:
    """A golden file says what the model takes; where that fails, guesses prove nothing."""
    contract = Contract(specs(x=("BYTES", (-1, 1))), specs(z=("FP32", (-1, 1))))
    model = load(known(["cat", "0"]), contract)
    cat, bird = ({"x": np.array([[word]], object)} for word in ("cat", "bird"))

    assert cat == first_input.find(model, cat).feeds
    with pytest.raises(WarmUpFailed, match="does not run on the first case of its golden file"):
        first_input.find(model, bird)


def test_a_promise_that_is_not_kept_is_no_reason_to_guess_on(load: Load) -> None:
    """The first run that succeeds says what the model gives."""
    contract = Contract(XY.inputs, specs(y=("FP32", (-1, 3))))
    model = load(onnx_models.identity("FP32", ("N", None)), contract)

    with pytest.raises(ContractMismatch):
        first_input.find(model, None)
