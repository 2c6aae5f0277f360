"""Element types of values, as far as a file declares them or they follow at once."""

from collections.abc import Mapping

from modelserver.model.graph.parts import INT32, INT64, Node, NodeGraph, Tensor

# Operators whose first output has the type of their first input.
_SAME_WORDS = """
Abs Clip Compress CumSum Expand Flatten Gather GatherElements GatherND Identity Neg Pad ReduceMax
ReduceMin ReduceProd ReduceSum Reshape ReverseSequence ScatterElements ScatterND Slice Split Squeeze
Tile TopK Transpose Unique Unsqueeze
"""
_SAME = frozenset(_SAME_WORDS.split())
# The same, of which the second input has that type too: of those above it may be places or sizes.
_BOTH = frozenset(["Add", "Concat", "Div", "Max", "Min", "Mod", "Mul", "Range", "Sub", "Sum"])
_INT64_WORDS = """
ArgMax ArgMin NonMaxSuppression NonZero Shape Size
"""
_INT64 = frozenset(_INT64_WORDS.split())


def declared(graph: NodeGraph) -> dict[str, int]:
    """What the graph says of its values and has of tensors."""
    said = {name: each.element_type for name, each in graph.declared.items() if each.element_type}
    return {**said, **{name: each.element_type for name, each in graph.initializers.items()}}


def follow(node: Node, types: dict[str, int]) -> None:
    """Add the type of the node's first output, if it follows."""
    if not node.outputs or node.outputs[0] in types or node.domain:
        return
    found: object = None
    if node.op_type in _INT64:
        found = INT64
    elif node.op_type == "Cast":
        found = node.attributes.get("to")
    elif node.op_type in {"Constant", "ConstantOfShape"}:
        value = node.attributes.get("value")
        found = value.element_type if isinstance(value, Tensor) else None
    elif node.op_type == "Where":
        found = types.get(node.inputs[1]) or types.get(node.inputs[2])
    elif node.op_type in _SAME or node.op_type in _BOTH:
        alike = node.inputs[: 2 if node.op_type in _BOTH else 1]
        found = next((types[name] for name in alike if name in types), None)
    if isinstance(found, int):
        types[node.outputs[0]] = found


def whole(node: Node, types: Mapping[str, int]) -> int | None:
    """The type of the whole numbers, of 32 or 64 bits, that a node divides; None if of others."""
    for name in (*node.inputs[:2], node.outputs[0]):
        if (found := types.get(name)) is not None:
            return found if found in {INT32, INT64} else None
    return None
