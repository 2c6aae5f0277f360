"""Builds ONNX graphs from trained weights, without a training framework.

Every sample is a chain: each step takes the result of the step before it. A release therefore
reads as a list of steps, and `chain` turns the list into a checked model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import onnx
from onnx import TensorProto, helper, numpy_helper

from examples.datasets import Array

OPSET = 17
IR_VERSION = 8  # the one that came with opset 17: readable by ONNX Runtime 1.12 and later
BATCH = "batch"


@dataclass(frozen=True)
class Port:
    """An FP32 input or output of a model; its shape leaves out the batch, which comes first."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """One ONNX operator: its weights by name, in the operator's order, and its attributes."""

    operator: str
    weights: Mapping[str, Array] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)


def chain(steps: Sequence[Step], *, source: Port, result: Port, summary: str) -> onnx.ModelProto:
    """The model that applies the steps in order to `source` and names the last one's `result`.

    The model is checked in full, shapes included; onnx.checker.ValidationError tells what is wrong.
    """
    names = [source.name, *(f"{step.operator.lower()}_{i}" for i, step in enumerate(steps, 1))]
    names[-1] = result.name
    graph = helper.make_graph(
        [_node(step, names[i], names[i + 1]) for i, step in enumerate(steps)],
        name="chain",
        inputs=[_value_info(source)],
        outputs=[_value_info(result)],
        initializer=[
            numpy_helper.from_array(weights, name)
            for step in steps
            for name, weights in step.weights.items()
        ],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        doc_string=summary,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def dense(layer: int, weights: Array, bias: Array) -> Step:
    """A fully connected layer: weights `float32[inputs, outputs]`, bias `float32[outputs]`."""
    return Step("Gemm", {f"dense{layer}.weights": weights, f"dense{layer}.bias": bias})


def serialize(model: onnx.ModelProto) -> bytes:
    """The file's bytes: the same model gives the same bytes, whichever tool made it and when."""
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    plain.ClearField("producer_name")
    plain.ClearField("producer_version")
    plain.ClearField("metadata_props")
    return bytes(plain.SerializeToString(deterministic=True))


def _node(step: Step, source: str, result: str) -> onnx.NodeProto:
    """The graph node of one step."""
    return helper.make_node(
        step.operator, [source, *step.weights], [result], name=result, **step.attributes
    )


def _value_info(port: Port) -> onnx.ValueInfoProto:
    """The port's declaration, with the batch as a dimension of any size."""
    return helper.make_tensor_value_info(port.name, TensorProto.FLOAT, [BATCH, *port.shape])
