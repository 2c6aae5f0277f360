"""Answers without elements, by shapes that runs have shown."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from modelserver.errors import InvalidRequest
from modelserver.model.contract import Contract
from modelserver.model.session import Model
from modelserver.start import empty_shapes, shapes, warmup
from tests.serving import onnx_models
from tests.serving.loading import Load, specs
from tests.serving.native import models

SEQUENCES = specs(x=("FP32", (-1, -1, 2)))


def learned(load: Load, build: onnx.ModelProto, contract: Contract) -> Model:
    """The model, with what runs show of its shapes."""
    model = load(build, contract)
    feeds = warmup.synthetic(contract)
    shared = shapes.shared_sizes(model, feeds)
    return replace(model, shapes=empty_shapes.learn(model, feeds, shared))


def with_last_state() -> onnx.ModelProto:
    """An LSTM that gives its state after the last step, too."""
    model = models.recurrent()
    model.graph.node[0].output.append("last")
    model.graph.output.append(
        helper.make_tensor_value_info("last", onnx.TensorProto.FLOAT, [1, "N", 3])
    )
    return model


def test_sizes_follow_the_places_that_they_grow_with(load: Load) -> None:
    """Which size of an output is which of an input is seen, not read from names."""
    outputs = specs(y=("FP32", (-1, -1, 3)), last=("FP32", (1, -1, 3)))
    model = learned(load, with_last_state(), Contract(SEQUENCES, outputs))

    assert {"y": (("x", 0), ("x", 1), 3), "last": (1, ("x", 1), 3)} == dict(model.shapes.outputs)


def test_what_may_have_elements_is_not_made_up(load: Load) -> None:
    """After no step there is still a state, which only the model could know."""
    outputs = specs(y=("FP32", (-1, -1, 3)), last=("FP32", (1, -1, 3)))
    model = learned(load, with_last_state(), Contract(SEQUENCES, outputs))
    steps, rows = ({"x": np.zeros(shape, np.float32)} for shape in ((0, 4, 2), (5, 0, 2)))

    assert [(0, 4, 3)] == [array.shape for array in model.run(["y"], steps)]
    assert [(5, 0, 3), (1, 0, 3)] == [array.shape for array in model.run(["y", "last"], rows)]
    with pytest.raises(InvalidRequest) as caught:
        model.run(["y", "last"], steps)

    assert (
        "inputs: found x of shape [0, 4, 2], expected at least one element: "
        "ONNX Runtime would crash over it in LSTM"
    ) == str(caught.value)


def test_sizes_that_grow_otherwise_are_not_known(load: Load) -> None:
    """Twice as many columns, or the product of two sizes, tell nothing of none."""
    nodes = [
        *models.recurrent().graph.node,
        helper.make_node("Concat", ["y", "y"], ["twice"], axis=1),
        helper.make_node("Reshape", ["y", "flat"], ["all"]),
    ]
    build = models.recurrent()
    del build.graph.node[:], build.graph.output[:]
    build.graph.node.extend(nodes)
    build.graph.initializer.append(numpy_helper.from_array(np.array([-1]), "flat"))
    for name, rank in (("twice", 3), ("all", 1)):
        build.graph.output.append(
            helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None] * rank)
        )
    contract = Contract(SEQUENCES, specs(twice=("FP32", (-1, -1, 3)), all=("FP32", (-1,))))

    assert {} == learned(load, build, contract).shapes.outputs


def test_a_model_that_minds_nothing_runs_on_nothing(load: Load) -> None:
    """Without an operator that crashes, ONNX Runtime itself says what comes of no elements."""
    node = helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0)
    model = onnx_models.build([node], {"x": ("FP32", ("N", 2))}, {"y": ("FP32", ())})
    contract = Contract(specs(x=("FP32", (-1, 2))), specs(y=("FP32", ())))

    assert [0.0] == load(model, contract).run(["y"], {"x": np.zeros((0, 2), np.float32)})
