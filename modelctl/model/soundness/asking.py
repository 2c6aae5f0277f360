"""What ONNX's own inference says of one node: the types of its outputs, or why it cannot be so."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from modelctl.model.soundness import table
from modelctl.model.soundness.errors import UnsoundError
from modelctl.model.soundness.view import Node, Proto, onnx_domain

_Model = Any  # onnx has no types

LARGEST_DATA = 4096
"""Elements of a constant that inference is told, such as a shape's; larger ones are weights."""

_ANY_INITIALIZERS = 10
"""An IR version in which initializers need not be inputs."""

_NEWER = frozenset({"NegativeLogLikelihoodLoss"})
"""Operators of which ONNX's inference refuses shapes that the runtime's older copy takes."""


def outputs(
    node: Node, kinds: Sequence[Proto | None], data: Sequence[Proto | None]
) -> Mapping[str, Proto]:
    """The types of a node's outputs by name, from those of its inputs and what is constant.

    Raises `UnsoundError`: the types or shapes do not fit, and the runtime would say so too.
    """
    from onnx.shape_inference import InferenceError, infer_shapes  # noqa: PLC0415 - quarter second

    try:
        found = infer_shapes(_model(node, kinds, data), strict_mode=True)
    except InferenceError as error:
        if node.op in _NEWER or any(words in str(error) for words in table.newer_checks()):
            return {}
        raise UnsoundError(f"calls {node.operator} wrongly in {node}: {_brief(error)}") from error
    return {value.name: value.type for value in found.graph.value_info}


def is_small(tensor: Proto | None) -> bool:
    """Whether it is a tensor that inference may be told."""
    return tensor is not None and math.prod(tensor.dims) <= LARGEST_DATA


def _model(node: Node, kinds: Sequence[Proto | None], data: Sequence[Proto | None]) -> _Model:
    """A model of that one node; large constants are inputs of it."""
    from onnx import GraphProto, ModelProto, OperatorSetIdProto, ValueInfoProto  # noqa: PLC0415

    graph = GraphProto(name="node", node=[node.proto()])
    seen = {""}
    for name, kind, tensor in zip(node.inputs, kinds, data, strict=True):
        if name in seen:
            continue
        seen.add(name)
        if tensor is not None and is_small(tensor):
            graph.initializer.add().CopyFrom(tensor)
            graph.initializer[-1].name = name
        else:
            graph.input.append(ValueInfoProto(name=name, type=kind))
    opset = OperatorSetIdProto(domain=onnx_domain(node.domain), version=node.opset)
    return ModelProto(ir_version=_ANY_INITIALIZERS, graph=graph, opset_import=[opset])


def _brief(error: Exception) -> str:
    """ONNX's message of a fault in a node, without what it says of the model around."""
    return str(error).rsplit("Error] ", 1)[-1].strip().partition("\n")[0] or "its types do not fit"
