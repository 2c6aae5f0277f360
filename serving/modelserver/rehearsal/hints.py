"""Values that a model is known to take, from the categories that its graph lists.

An encoder that refuses what it has not seen refuses every guess; what it has seen stands in it.
"""

from collections.abc import Iterator, Mapping

import numpy as np

from modelserver.model.contract import Contract
from modelserver.model.graph.parts import ModelFile, Node, NodeGraph, Tensor
from modelserver.tensor.datatypes import Array
from modelserver.tensor.spec import ANY_SIZE, TensorSpec

_CATEGORIES = (
    *("cats_strings", "cats_int64s", "keys_strings", "keys_int64s", "keys_floats"),
    *("string_vocabulary", "int64_vocabulary"),
)
_PASSING = frozenset(
    {"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose"}
)
_PICKING = frozenset({"Gather", "ArrayFeatureExtractor"})

_Value = str | int | float
_Columns = Mapping[int | None, _Value]
"""A value by column, None for all columns."""


def feeds(file: ModelFile, contract: Contract) -> dict[str, Array] | None:
    """One row of which each value is a category, where the graph lists some; None where not."""
    found: dict[str, dict[int | None, _Value]] = {}
    for name, column, value in _known(file.graph):
        found.setdefault(name, {}).setdefault(column, value)
    if not found.keys() & contract.input_names:
        return None
    return {spec.name: _array(spec, found.get(spec.name, {})) for spec in contract.inputs}


def _known(graph: NodeGraph) -> Iterator[tuple[str, int | None, _Value]]:
    """Input, column and first category of each list that an input's values are looked up in."""
    makers = {name: node for node in graph.nodes for name in node.outputs}
    inputs = {value.name for value in graph.inputs}
    for node in graph.nodes:
        values = [node.attributes[name] for name in _CATEGORIES if node.attributes.get(name)]
        if not values or not node.inputs:
            continue
        first = values[0]
        name, column = _source(graph, makers, node.inputs[0])
        if name in inputs and isinstance(first, tuple) and isinstance(first[0], str | int | float):
            yield name, column, first[0]


def _source(graph: NodeGraph, makers: Mapping[str, Node], name: str) -> tuple[str, int | None]:
    """The value that another is taken from unchanged, and which column of it."""
    column: int | None = None
    while (node := makers.get(name)) is not None:
        if node.op_type in _PICKING:
            column = _index(graph, makers, node.inputs[1])
        elif node.op_type not in _PASSING:
            break
        name = node.inputs[0]
    return name, column


def _index(graph: NodeGraph, makers: Mapping[str, Node], name: str) -> int | None:
    """The one number that a constant holds."""
    maker = makers.get(name)
    tensor = graph.initializers.get(name) or (maker and maker.attributes.get("value"))
    values = tensor.values if isinstance(tensor, Tensor) else None
    return int(values[0]) if values and len(values) == 1 else None


def _array(spec: TensorSpec, columns: _Columns) -> Array:
    shape = [1 if size == ANY_SIZE else size for size in spec.shape]
    is_text = spec.datatype.name == "BYTES"
    array = np.full(shape, "0", object) if is_text else np.zeros(shape, np.float64)
    for column, value in columns.items():
        fitting = str(value) if is_text else _number(value)
        if column is None or not shape:
            array[...] = fitting
        elif column < shape[-1]:
            array[..., column] = fitting
    return array if is_text else array.astype(spec.datatype.dtype)


def _number(value: _Value) -> float:
    try:
        return float(value)
    except ValueError:
        return 0.0
