"""Facts of an artifact whose bytes are at hand: size, digest and what its graph declares.

The file is read as data: no external tensor file is opened and nothing is run.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from modelctl.kinds import Graph, TensorSpec

_Proto = Any  # protobuf messages carry no types here

MAX_GRAPH_BYTES = 512 << 20

# Names and numbers of the element types. Source: onnx.proto3, TensorProto.DataType.
_DATATYPES = {
    1: "FP32",
    2: "UINT8",
    3: "INT8",
    4: "UINT16",
    5: "INT16",
    6: "INT32",
    7: "INT64",
    8: "BYTES",
    9: "BOOL",
    10: "FP16",
    11: "FP64",
    12: "UINT32",
    13: "UINT64",
    16: "BF16",
}
_EXTERNAL = 1


@dataclass(frozen=True, slots=True)
class ArtifactFacts:
    """What an artifact's bytes say; `graph` is None where `problem` says why."""

    path: str
    sha256: str
    size_bytes: int
    graph: Graph | None
    problem: str = ""


def artifact_facts(path: str, content: bytes) -> ArtifactFacts:
    """The facts of the bytes of an ONNX file; a broken file is a fact as well."""
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        graph = read_graph(content)
    except ValueError as error:
        return ArtifactFacts(path, sha256, len(content), None, str(error))
    return ArtifactFacts(path, sha256, len(content), graph)


def read_graph(content: bytes) -> Graph:
    """What the graph of an ONNX file declares.

    Raises:
        ValueError: the bytes are no ONNX model, or use what a model server cannot take.

    """
    import onnx  # noqa: PLC0415 - a quarter second of import that most commands do not need
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - comes with onnx

    if len(content) > MAX_GRAPH_BYTES:
        raise ValueError(f"is {len(content)} bytes, expected at most {MAX_GRAPH_BYTES}")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise ValueError("is truncated or is not an ONNX file") from error
    if not model.graph.output or not model.opset_import:
        raise ValueError("is not an ONNX model: it has no outputs or no opset")
    _refuse_external_data(model.graph.initializer)
    constants = {tensor.name for tensor in model.graph.initializer}
    return Graph(
        ir_version=model.ir_version,
        opsets={opset.domain or "ai.onnx": opset.version for opset in model.opset_import},
        inputs=tuple(_spec(value) for value in model.graph.input if value.name not in constants),
        outputs=tuple(_spec(value) for value in model.graph.output),
    )


def _refuse_external_data(initializers: Iterable[_Proto]) -> None:
    for tensor in initializers:
        if tensor.data_location == _EXTERNAL:
            raise ValueError(
                f"keeps tensor {tensor.name!r} in another file, whose bytes no digest pins"
            )


def _spec(value: _Proto) -> TensorSpec:
    kind = value.type
    if not kind.HasField("tensor_type"):
        name = value.name
        raise ValueError(f"has {name!r}, which is a sequence, map or optional, not a tensor")
    tensor = kind.tensor_type
    datatype = _DATATYPES.get(tensor.elem_type)
    name = value.name
    if datatype is None:
        raise ValueError(f"has {name!r} with the element type {tensor.elem_type}, not servable")
    dimensions = tuple(
        dim.dim_value if dim.HasField("dim_value") else -1 for dim in tensor.shape.dim
    )
    return TensorSpec(name, datatype, dimensions)
