"""Labels that are declared for one row, in a graph that takes any number of them.

LightGBM's and other converters write `[1]` as the shape of a label; a run gives one for each row.
"""

from typing import Any

_Proto = Any  # protobuf messages carry no types here

_CLASSIFIERS = frozenset({"TreeEnsembleClassifier", "LinearClassifier", "SVMClassifier"})
_KEEPING = frozenset({"Identity", "Cast", "LabelEncoder", "Reshape", "Squeeze", "Flatten"})


def apply(model: _Proto) -> list[str]:
    """Free the first size of each such label."""
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if not inputs or not all(_is_free(value) for value in inputs):
        return []
    makers = {name: node for node in graph.node for name in node.output if name}
    found = []
    for value in graph.output:
        dims = value.type.tensor_type.shape.dim
        if len(dims) == 1 and dims[0].dim_value == 1 and _is_label(makers, value.name):
            dims[0].CopyFrom(inputs[0].type.tensor_type.shape.dim[0])
            found.append(value.name)
    return [f"the size of {', '.join(found)} is free, as that of its rows"] * bool(found)


def _is_free(value: _Proto) -> bool:
    dims = value.type.tensor_type.shape.dim
    return bool(dims) and not (dims[0].HasField("dim_value") and dims[0].dim_value > 0)


def _is_label(makers: dict[str, _Proto], name: str) -> bool:
    """Whether a value is a classifier's first output, at once or changed element by element."""
    node = makers.get(name)
    while node is not None and node.op_type in _KEEPING:
        name = node.input[0]
        node = makers.get(name)
    return node is not None and node.op_type in _CLASSIFIERS and node.output[0] == name
