"""From the bytes of an ONNX file to its parts. Weights are skipped, not read.

Source: onnx.proto (ModelProto and what it holds).
"""

import mmap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from modelserver.artifact.protobuf import LENGTH, Bytes
from modelserver.errors import ModelMalformed
from modelserver.model.graph import messages, tensors
from modelserver.model.graph.messages import SKIPPED, Decode, Found, Table, last
from modelserver.model.graph.parts import (
    Attribute,
    Declared,
    Function,
    ModelFile,
    Node,
    NodeGraph,
    Reference,
    Size,
    Unread,
)

_STANDARD = ("", "ai.onnx")  # the two names of the standard's domain

# Of AttributeProto.type: the field that holds the value, whether that is a list, and its default.
_KINDS: "Mapping[int, tuple[str, bool, Attribute | None]]" = MappingProxyType(
    {
        1: ("f", False, 0.0),
        2: ("i", False, 0),
        3: ("s", False, ""),
        4: ("t", False, None),
        5: ("g", False, None),
        6: ("floats", True, None),
        7: ("ints", True, None),
        8: ("strings", True, None),
        9: ("tensors", True, None),
        10: ("graphs", True, None),
    }
)


def read(path: Path) -> ModelFile:
    """The parts of a file.

    Raises:
        ModelMalformed: It is no ONNX model.
    """
    if path.stat().st_size == 0:
        raise ModelMalformed("the artifact is empty, expected an ONNX model; export it again")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return read_bytes(content)


def read_bytes(content: Bytes) -> ModelFile:
    """As `read`, for bytes in memory."""
    try:
        found = messages.read(content, 0, len(content), _MODEL)
    except RecursionError:
        raise ModelMalformed("graphs in graphs, nested too deeply; export it again") from None
    if len(found["graph"]) != 1:
        raise ModelMalformed(
            f"found {len(found['graph'])} graphs in the artifact, expected one; export it again"
        )
    functions = {(each.domain, each.name, each.overload): each for each in found["functions"]}
    ir_version = last(found, "ir_version", 0)
    return ModelFile(ir_version, dict(found["opsets"]), found["graph"][0], functions)


def _graph(content: Bytes, start: int, end: int) -> NodeGraph:
    found = messages.read(content, start, end, _GRAPH)
    declared = (*found["value_info"], *found["outputs"], *found["inputs"])
    return NodeGraph(
        name=last(found, "name", ""),
        nodes=tuple(found["nodes"]),
        inputs=tuple(found["inputs"]),
        outputs=tuple(found["outputs"]),
        initializers={tensor.name: tensor for tensor in found["initializers"]},
        declared={each.name: each for each in declared},
    )


def _node(content: Bytes, start: int, end: int) -> Node:
    found = messages.read(content, start, end, _NODE)
    return Node(
        domain=_domain(found),
        op_type=last(found, "op_type", ""),
        name=last(found, "name", ""),
        inputs=tuple(found["inputs"]),
        outputs=tuple(found["outputs"]),
        attributes=dict(found["attributes"]),
        overload=last(found, "overload", ""),
    )


def _attribute(content: Bytes, start: int, end: int) -> tuple[str, Attribute]:
    found = messages.read(content, start, end, _ATTRIBUTE)
    name, kind = last(found, "name", ""), last(found, "type", 0)
    if reference := last(found, "reference", ""):
        return name, Reference(reference)
    if not kind:  # files of the first versions of the format do not say it
        kind = next((each for each, (field, *_) in _KINDS.items() if found[field]), 0)
    if kind not in _KINDS:
        return name, Unread(kind)
    field, is_list, default = _KINDS[kind]
    if field in found[SKIPPED]:
        return name, Unread(kind)
    if is_list:
        return name, tuple(found[field])
    value: Attribute | None = last(found, field, default)
    return name, Unread(kind) if value is None else value


def _function(content: Bytes, start: int, end: int) -> Function:
    found = messages.read(content, start, end, _FUNCTION)
    return Function(
        domain=_domain(found),
        name=last(found, "name", ""),
        overload=last(found, "overload", ""),
        inputs=tuple(found["inputs"]),
        outputs=tuple(found["outputs"]),
        attributes={**dict.fromkeys(found["attributes"]), **dict(found["defaults"])},
        nodes=tuple(found["nodes"]),
        opsets=dict(found["opsets"]),
    )


def _opset(content: Bytes, start: int, end: int) -> tuple[str, int]:
    found = messages.read(content, start, end, _OPSET)
    return _domain(found), last(found, "version", 0)


def _declared(content: Bytes, start: int, end: int) -> Declared:
    found = messages.read(content, start, end, _VALUE_INFO)
    tensor = last(found, "type", None) or (None, None)
    return Declared(last(found, "name", ""), *tensor)


def _type(content: Bytes, start: int, end: int) -> tuple[int, tuple[Size, ...] | None] | None:
    found = messages.read(content, start, end, _TYPE)
    tensor: tuple[int, tuple[Size, ...] | None] | None = last(found, "tensor", None)
    return tensor


def _tensor_type(content: Bytes, start: int, end: int) -> tuple[int, tuple[Size, ...] | None]:
    found = messages.read(content, start, end, _TENSOR_TYPE)
    return last(found, "element_type", 0), last(found, "shape", None)


def _shape(content: Bytes, start: int, end: int) -> tuple[Size, ...]:
    return tuple(messages.read(content, start, end, _SHAPE)["sizes"])


def _size(content: Bytes, start: int, end: int) -> Size:
    found = messages.read(content, start, end, _SIZE)
    size: Size = last(found, "size", None)
    return size or (0 if size == 0 else None)


def _domain(found: Found) -> str:
    domain: str = last(found, "domain", "")
    return "" if domain in _STANDARD else domain


def _inner(read_one: Callable[[Bytes, int, int], Any]) -> Decode:
    """How a field is read that holds a message."""

    def decode(content: Bytes, wire_type: int, value: int, stop: int) -> Sequence[Any]:
        if wire_type != LENGTH:
            raise ModelMalformed(f"byte {stop}: found a number, expected a message; not ONNX")
        return (read_one(content, value, stop),)

    return decode


_SIZE: Table = {1: ("size", messages.integers), 2: ("size", messages.text)}
_SHAPE: Table = {1: ("sizes", _inner(_size))}
_TENSOR_TYPE: Table = {1: ("element_type", messages.integers), 2: ("shape", _inner(_shape))}
_TYPE: Table = {1: ("tensor", _inner(_tensor_type))}
_VALUE_INFO: Table = {
    1: ("name", messages.text),
    2: ("type", _inner(_type)),
}
_OPSET: Table = {1: ("domain", messages.text), 2: ("version", messages.integers)}
_ATTRIBUTE: Table = {
    1: ("name", messages.text),
    2: ("f", messages.floats),
    3: ("i", messages.integers),
    4: ("s", messages.text),
    5: ("t", _inner(tensors.read)),
    6: ("g", _inner(_graph)),
    7: ("floats", messages.floats),
    8: ("ints", messages.integers),
    9: ("strings", messages.text),
    10: ("tensors", _inner(tensors.read)),
    11: ("graphs", _inner(_graph)),
    20: ("type", messages.integers),
    21: ("reference", messages.text),
}
_NODE: Table = {
    1: ("inputs", messages.text),
    2: ("outputs", messages.text),
    3: ("name", messages.text),
    4: ("op_type", messages.text),
    5: ("attributes", _inner(_attribute)),
    7: ("domain", messages.text),
    8: ("overload", messages.text),
}
_GRAPH: Table = {
    1: ("nodes", _inner(_node)),
    2: ("name", messages.text),
    5: ("initializers", _inner(tensors.read)),
    11: ("inputs", _inner(_declared)),
    12: ("outputs", _inner(_declared)),
    13: ("value_info", _inner(_declared)),
    15: ("initializers", _inner(tensors.read_sparse)),
}
_FUNCTION: Table = {
    1: ("name", messages.text),
    4: ("inputs", messages.text),
    5: ("outputs", messages.text),
    6: ("attributes", messages.text),
    7: ("nodes", _inner(_node)),
    9: ("opsets", _inner(_opset)),
    10: ("domain", messages.text),
    11: ("defaults", _inner(_attribute)),
    13: ("overload", messages.text),
}
_MODEL: Table = {
    1: ("ir_version", messages.integers),
    7: ("graph", _inner(_graph)),
    8: ("opsets", _inner(_opset)),
    25: ("functions", _inner(_function)),
}
