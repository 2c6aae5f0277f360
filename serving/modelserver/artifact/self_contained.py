"""Whether an ONNX file is whole and reads no other file: a walk over its protobuf fields.

The digest of one file is verified. A model that takes weights (external data) or a compiled engine
(EPContext) from a second file would run bytes that nobody verified. The walk follows the messages
in which tensors and nodes can lie, skips everything else without reading it, and builds nothing in
memory.

Source: onnx.proto (message and field numbers).
"""

import mmap
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from modelserver.artifact.protobuf import LENGTH, Bytes, fields
from modelserver.errors import ModelMalformed, ModelNotSelfContained

# Of each message: the numbers of the fields that hold a message which has to be looked at.
_CHILDREN: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "Model": {7: "Graph", 20: "Training", 25: "Function"},
        "Training": {1: "Graph", 2: "Graph"},
        "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
        "Function": {7: "Node", 11: "Attribute"},
        "Node": {5: "Attribute"},
        "Attribute": {
            5: "Tensor",
            6: "Graph",
            10: "Tensor",
            11: "Graph",
            22: "SparseTensor",
            23: "SparseTensor",
        },
        "SparseTensor": {1: "Tensor", 2: "Tensor"},
        "Tensor": {},
    }
)
# Numbers of fields in onnx.proto.
_NODE_OP_TYPE = 4
_TENSOR_EXTERNAL_DATA = 13
_TENSOR_DATA_LOCATION = 14
_MODEL_GRAPH = 7

_MAX_DEPTH = 100  # protobuf's own parsers stop here as well


def check(path: Path) -> None:
    """Return if the file is one whole model that names no other file.

    Raises:
        ModelMalformed: It is no whole model; the error names the byte.
        ModelNotSelfContained: It names another file.
    """
    if path.stat().st_size == 0:
        raise ModelMalformed("the artifact is empty, expected an ONNX model; export it again")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        check_bytes(content)


def check_bytes(content: Bytes) -> None:
    """As `check`, for bytes in memory."""
    graphs = 0
    pending = [("Model", 0, len(content), 0)]
    while pending:
        message, start, end, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise ModelMalformed(f"byte {start}: messages nested more than {_MAX_DEPTH} deep")
        for number, wire_type, value, stop in fields(content, start, end):
            graphs += message == "Model" and number == _MODEL_GRAPH and wire_type == LENGTH
            _refuse_other_files(content, message, number, value, stop)
            child = _CHILDREN[message].get(number)
            if child and wire_type == LENGTH:
                pending.append((child, value, stop, depth + 1))
    if not graphs:
        raise ModelMalformed("no graph was found in the artifact; expected an ONNX model")


def _refuse_other_files(content: Bytes, message: str, number: int, value: int, stop: int) -> None:
    """`value` is where the content of a field begins, or, of a varint, the number itself."""
    external = message == "Tensor" and (
        number == _TENSOR_EXTERNAL_DATA or (number == _TENSOR_DATA_LOCATION and value != 0)
    )
    if external:
        raise ModelNotSelfContained(
            "the model keeps tensors in another file (ONNX external data), whose bytes no digest "
            "covers; save it as one file: onnx.save(model, path, save_as_external_data=False)"
        )
    if message == "Node" and number == _NODE_OP_TYPE and content[value:stop] == b"EPContext":
        raise ModelNotSelfContained(
            "the model holds a compiled engine (EPContext), which is code that no one can review; "
            "publish the plain ONNX model and let the provider compile it"
        )
