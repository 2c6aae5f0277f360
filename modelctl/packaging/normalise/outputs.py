"""Outputs that are no tensors become tensors, as far as the graph says of which they are made.

A server answers with tensors alone. What converters write beside them is a tensor in disguise:
scikit-learn's probabilities are a tensor until the last node, which makes a list of maps of it.
"""

from contextlib import suppress
from typing import Any

from modelctl.packaging.normalise import walking
from modelctl.packaging.normalise.errors import NotNormalisedError

_Proto = Any  # protobuf messages carry no types here

_FLOAT = 1  # TensorProto.FLOAT
_DEFAULT_OPSET = 13  # of an Identity in a file that has no operator of the standard
_MOST_NAMED = 5  # classes that a line names


class _Graph:
    """The main graph, with the node that makes each value."""

    def __init__(self, model: _Proto) -> None:
        self.model = model
        self.proto = model.graph
        self.makers = {name: node for node in model.graph.node for name in node.output if name}
        self.kinds = _kinds(model)

    def maker(self, name: str, *ops: str) -> _Proto | None:
        """The node that makes a value, looked for behind copies, if it is of these operators."""
        node = self.makers.get(name)
        while node is not None and node.op_type == "Identity":
            node = self.makers.get(node.input[0])
        return node if node is not None and node.op_type in ops else None


def apply(model: _Proto) -> list[str]:
    """Rewrite every output of the main graph that is a sequence, a map or optional."""
    odd = [value for value in model.graph.output if not value.type.HasField("tensor_type")]
    odd = [value for value in odd if value.type.WhichOneof("value")]
    if not odd:
        return []
    graph = _Graph(model)
    changes = [_rewritten(graph, value) for value in odd]
    _remove_unused(model)
    return changes


def _rewritten(graph: _Graph, value: _Proto) -> str:
    if node := graph.maker(value.name, "ZipMap"):
        return _of_maps(graph, value, node)
    if node := graph.maker(value.name, "SplitToSequence", "Optional"):
        if node.input:
            _replace(graph, value, {value.name: node.input[0]})
            return f"{value.name}: the sequence is given as the one tensor that it is made of"
    elif (parts := _elements(graph, value.name)) is not None and parts:
        single = len(parts) == 1
        names = [value.name if single else f"{value.name}_{i}" for i in range(len(parts))]
        _replace(graph, value, dict(zip(names, parts, strict=True)))
        return f"{value.name}: the sequence is given as tensors: {', '.join(names)}"
    kind = value.type.WhichOneof("value").removesuffix("_type")
    raise NotNormalisedError(
        f"has the output {value.name!r}, which is a {kind}, not a tensor: export the model with "
        "tensors as outputs (of scikit-learn with `options={'zipmap': False}`)"
    )


def _of_maps(graph: _Graph, value: _Proto, node: _Proto) -> str:
    """The numbers that a ZipMap gives names, as they come: a column for each class."""
    classes = next(
        (
            [each.decode("utf-8", "replace") for each in attribute.strings] or list(attribute.ints)
            for attribute in node.attribute
            if attribute.name.startswith("classlabels_")
        ),
        [],
    )
    numbers = node.input[0]
    _replace(graph, value, {value.name: numbers})
    if not classes:
        return f"{value.name}: the list of maps is given as a tensor"
    _declare(graph, value.name, numbers, len(classes))
    shown = ", ".join(map(str, classes[:_MOST_NAMED])) + (", …" * (len(classes) > _MOST_NAMED))
    return f"{value.name}: the list of maps is given as a tensor with the columns {shown}"


def _declare(graph: _Graph, name: str, numbers: str, columns: int) -> None:
    """Declare the output of a ZipMap, which takes a row of numbers or several."""
    known = graph.kinds.get(numbers)
    is_row = known is not None and known.HasField("shape") and len(known.shape.dim) == 1
    kind = next(each for each in graph.proto.output if each.name == name).type.tensor_type
    kind.elem_type = _FLOAT
    kind.ClearField("shape")
    if not is_row:
        kind.shape.dim.add().CopyFrom(_first_size(graph))
    kind.shape.dim.add().dim_value = columns


def _first_size(graph: _Graph) -> _Proto:
    """The first dimension of the first input, which that of a row's numbers is too."""
    for value in graph.proto.input:
        if value.type.tensor_type.shape.dim:
            return value.type.tensor_type.shape.dim[0]
    return type(graph.proto.input[0].type.tensor_type.shape).Dimension()


def _elements(graph: _Graph, name: str) -> list[str] | None:
    """The tensors that a sequence is made of, None where the graph does not say."""
    node = graph.maker(name, "SequenceConstruct", "SequenceEmpty", "SequenceInsert")
    if node is None:
        return None
    if node.op_type == "SequenceConstruct":
        return list(node.input)
    if node.op_type == "SequenceEmpty":
        return []
    before = _elements(graph, node.input[0])
    return None if before is None or len(node.input) > 2 else [*before, node.input[1]]  # noqa: PLR2004 - the third is a position


def _replace(graph: _Graph, value: _Proto, sources: dict[str, str]) -> None:
    """Put tensors in an output's place: by name, each a copy of a value."""
    proto = graph.proto
    former = {name: f"{name}__before" for name in sources}
    for node in walking.messages(graph.model, "NodeProto"):
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                names[i] = former.get(name, name)
    at = next(i for i, each in enumerate(proto.output) if each.name == value.name)
    rest = list(proto.output[at + 1 :])
    del proto.output[at:]
    for name, source in sources.items():
        declared = proto.output.add(name=name)
        if (known := graph.kinds.get(source)) is not None:
            declared.type.tensor_type.CopyFrom(known)
        proto.node.add(op_type="Identity", input=[former.get(source, source)], output=[name])
    proto.output.extend(rest)
    if not any(each.domain in {"", "ai.onnx"} for each in graph.model.opset_import):
        graph.model.opset_import.add(domain="", version=_DEFAULT_OPSET)


def _kinds(model: _Proto) -> dict[str, _Proto]:
    """The tensor type of each value, as far as ONNX's inference knows it."""
    from onnx import shape_inference  # noqa: PLC0415 - the child alone needs it

    with suppress(Exception):  # it raises what it likes, and is a help alone
        model = shape_inference.infer_shapes(model)
    graph = model.graph
    return {
        value.name: value.type.tensor_type
        for value in (*graph.value_info, *graph.input, *graph.output)
        if value.type.HasField("tensor_type")
    }


def _remove_unused(model: _Proto) -> None:
    """Take nodes out that only what was rewritten had asked for."""
    graph = model.graph
    while True:
        used = {name for each in walking.messages(model, "NodeProto") for name in each.input}
        used |= {
            value.name for inner in walking.messages(model, "GraphProto") for value in inner.output
        }
        left = [
            node for node in graph.node if node.op_type in _MAKERS and not used & {*node.output}
        ]
        if not left:
            return
        for node in left:
            graph.node.remove(node)


_MAKERS = frozenset(
    {"ZipMap", "SequenceConstruct", "SequenceEmpty", "SequenceInsert", "SplitToSequence",
     "Optional", "Identity"}
)  # fmt: skip
