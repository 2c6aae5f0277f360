"""Whether an ONNX file is whole and reads no other file: a walk over its protobuf fields.

The digest of one file is verified. A model that takes weights (external data) or a compiled engine
(EPContext) from a second file would run bytes that nobody verified. The walk follows the messages
in which tensors and nodes can lie, skips everything else without reading it, and builds nothing in
memory.

Source: onnx.proto (message and field numbers), the protocol buffers encoding (wire types).
"""

import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from modelserver.errors import ModelMalformed, ModelNotSelfContained

Bytes = bytes | mmap.mmap

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

# Wire types of protocol buffers; 3 and 4 (groups) are not used by ONNX.
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_FIXED_BYTES = MappingProxyType({_FIXED64: 8, _FIXED32: 4})
_MAX_DEPTH = 100  # protobuf's own parsers stop here as well
_VARINT_BITS = 64  # no number is longer


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
        for number, wire_type, value, stop in _fields(content, start, end):
            graphs += message == "Model" and number == _MODEL_GRAPH
            _refuse_other_files(content, message, number, value, stop)
            child = _CHILDREN[message].get(number)
            if child and wire_type == _LENGTH:
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


def _fields(content: Bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """The number, wire type, value and stop of each field between `start` and `end`.

    The content of a field lies between value and stop; of a varint, value is the number itself.
    """
    position = start
    while position < end:
        tag, position = _varint(content, position, end)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _VARINT:
            value, position = _varint(content, position, end)
            yield number, wire_type, value, position
            continue
        if wire_type == _LENGTH:
            length, position = _varint(content, position, end)
        else:
            length = _fixed_bytes(wire_type, position)
        stop = position + length
        if stop > end:
            raise ModelMalformed(
                f"byte {position}: a field of {length} bytes, but {end - position} are left; "
                "the model is truncated or not ONNX; export it again"
            )
        yield number, wire_type, position, stop
        position = stop


def _fixed_bytes(wire_type: int, position: int) -> int:
    try:
        return _FIXED_BYTES[wire_type]
    except KeyError:
        raise ModelMalformed(
            f"byte {position}: found wire type {wire_type}, expected 0, 1, 2 or 5; "
            "the artifact is not an ONNX model"
        ) from None


def _varint(content: Bytes, position: int, end: int) -> tuple[int, int]:
    """The number at a position, and the position after it."""
    number = 0
    for shift in range(0, _VARINT_BITS + 6, 7):
        if position >= end:
            break
        byte = content[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the top bit says that more bytes follow
            return number, position
    raise ModelMalformed(
        f"byte {position}: a number without an end; the model is truncated or not ONNX"
    )
