"""Whether each node calls an operator that there is, with what it takes."""

from typing import Any

from modelctl.model.onnxruntime_support import ONNXRUNTIME
from modelctl.model.soundness import table, tensors
from modelctl.model.soundness.errors import UnsoundError
from modelctl.model.soundness.table import Attribute, Operator, Parameter
from modelctl.model.soundness.view import Node

_Proto = Any  # protobuf messages carry no types here

# Names of onnx.AttributeProto.AttributeType by number, each with the field that holds the value.
_KINDS = {
    1: ("FLOAT", "f"),
    2: ("INT", "i"),
    3: ("STRING", "s"),
    4: ("TENSOR", "t"),
    5: ("GRAPH", "g"),
    6: ("FLOATS", "floats"),
    7: ("INTS", "ints"),
    8: ("STRINGS", "strings"),
    9: ("TENSORS", "tensors"),
    10: ("GRAPHS", "graphs"),
    11: ("SPARSE_TENSOR", "sparse_tensor"),
    12: ("SPARSE_TENSORS", "sparse_tensors"),
    13: ("TYPE_PROTO", "tp"),
    14: ("TYPE_PROTOS", "type_protos"),
}
_REPEATED = frozenset({6, 7, 8, 9, 10, 12, 14})
_MESSAGES = frozenset({4, 5, 11, 13})
# What ONNX Runtime lets have attributes that it does not know, by calling each operator with one.
_ANY_ATTRIBUTE = frozenset(
    {
        *("LayerNormalization", "SimplifiedLayerNormalization", "QOrderedLayerNormalization"),
        *("BiasDropout", "BitmaskBiasDropout", "BitmaskDropout", "Snpe", "EPContext"),
        *("Affine", "Crop", "DynamicSlice", "GRUUnit", "GivenTensorFill", "ImageScaler"),
        *("ParametricSoftplus", "Scale", "ScaledTanh"),
    }
)


def called(node: Node) -> Operator:
    """The operator that a node calls.

    Raises `UnsoundError`: ONNX Runtime has none of that name, or the node calls it wrongly.
    """
    if not node.op:
        raise UnsoundError(f"has {node}, which calls no operator")
    operator = table.operator(node.domain, node.op, node.opset)
    if operator is None:
        raise UnsoundError(
            f"calls the operator {node.operator} in {node}, which ONNX Runtime {ONNXRUNTIME} "
            "does not know"
        )
    if operator.removed:
        raise UnsoundError(
            f"calls the operator {node.operator} in {node}, which version {operator.since} removed"
        )
    _check_number(node, "inputs", node.inputs, operator.inputs, operator.least_inputs)
    _check_number(node, "outputs", node.outputs, operator.outputs, operator.least_outputs)
    _check_attributes(node, operator)
    return operator


def formal(parameters: tuple[Parameter, ...], place: int) -> Parameter:
    """The parameter at a place: the last one may stand for any number."""
    return parameters[min(place, len(parameters) - 1)]


def _check_number(
    node: Node, what: str, names: tuple[str, ...], formals: tuple[Parameter, ...], least: int
) -> None:
    most = None if formals and formals[-1].variadic else len(formals)
    if len(names) < least or (most is not None and len(names) > most):
        expected = f"at least {least}" if most is None else f"{least} to {most}"
        expected = str(least) if least == most else expected
        raise UnsoundError(
            f"calls {node.operator} in {node} with {len(names)} {what}, expected {expected}"
        )
    for place, name in enumerate(names[: len(formals)]):
        if not name and not formals[place].mark:
            raise UnsoundError(
                f"calls {node.operator} in {node} with no {formals[place].name!r} among its {what}"
            )


def _check_attributes(node: Node, operator: Operator) -> None:
    for name, attribute in node.attributes.items():
        found = _kind(node, attribute)
        known = operator.attributes.get(name)
        if known is None:
            if node.op in _ANY_ATTRIBUTE or name.startswith("__"):
                continue
            raise UnsoundError(
                f"calls {node.operator} in {node} with the attribute {name!r}, which it does not "
                "have"
            )
        if found != known.kind:
            raise UnsoundError(
                f"calls {node.operator} in {node} with the attribute {name!r} of the kind "
                f"{found or 'none'}, expected {known.kind}"
            )
        _refuse_empty(node, attribute, known)
    for name, known in operator.attributes.items():
        if known.required and name not in node.attributes:
            raise UnsoundError(
                f"calls {node.operator} in {node} without the attribute {name!r}, expected "
                f"{known.kind}"
            )


def _refuse_empty(node: Node, attribute: _Proto, known: Attribute) -> None:
    number, field = next((n, f) for n, (kind, f) in _KINDS.items() if kind == known.kind)
    if number in _MESSAGES and not attribute.ref_attr_name and not attribute.HasField(field):
        raise UnsoundError(f"has {node} with the attribute {attribute.name!r}, which is empty")


def _kind(node: Node, attribute: _Proto) -> str:
    """The kind that an attribute declares, and that its value has."""
    if not attribute.name:
        raise UnsoundError(f"has {node} with an attribute without a name")
    declared = _KINDS.get(attribute.type, ("", ""))[0]
    for number, (_, field) in _KINDS.items():
        filled = (
            len(getattr(attribute, field)) if number in _REPEATED else attribute.HasField(field)
        )
        if filled and number != attribute.type:
            raise UnsoundError(
                f"has {node} with the attribute {attribute.name!r} of the kind "
                f"{declared or 'none'} and a value in {field}"
            )
    for tensor in (*([attribute.t] if attribute.HasField("t") else []), *attribute.tensors):
        tensors.refuse_bad_type(tensor, attribute.name)
        tensors.refuse_unclear_data(tensor, attribute.name)
    return declared
