"""Facts of an artifact whose bytes are at hand: size, digest and what its graph declares.

The file is read as data: no external tensor file is opened and nothing is run.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from modelctl.model.onnxruntime_support import OPSETS
from modelctl.model.tensors import Graph, TensorSpec

_Proto = Any  # protobuf messages carry no types here

MAX_GRAPH_BYTES = 512 << 20  # the file and what is parsed of it are in memory at once

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
_EXTERNAL = 1  # onnx.proto3, TensorProto.DataLocation.EXTERNAL
ANY_SIZE = -1  # of a dimension that the graph leaves open, such as the batch


@dataclass(frozen=True, slots=True)
class ArtifactFacts:
    """What an artifact's bytes say; `graph` is None where `problem` says why.

    `sha256` is empty where the file is too large to be read here.
    """

    path: str
    sha256: str
    size_bytes: int
    graph: Graph | None
    problem: str = ""


def too_large(path: str, size_bytes: int) -> ArtifactFacts:
    """What can be said of a file that is not read."""
    problem = f"has {size_bytes} bytes, expected at most {MAX_GRAPH_BYTES} in a repository"
    return ArtifactFacts(path, "", size_bytes, None, problem)


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
        ValueError: The bytes are no ONNX model, or use what a model server cannot take.
    """
    import onnx  # noqa: PLC0415 - a quarter second of import that most commands do not need
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - comes with onnx

    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise ValueError("is truncated or is not an ONNX file") from error
    if not model.graph.output or not model.opset_import:
        raise ValueError("is not an ONNX model: it has no outputs or no opset")
    domains = _domains(model)
    constants = {tensor.name for tensor in model.graph.initializer}
    return Graph(
        ir_version=model.ir_version,
        opsets={
            name: each.version for each in model.opset_import if (name := _name(each)) in domains
        },
        inputs=tuple(_spec(value) for value in model.graph.input if value.name not in constants),
        outputs=tuple(_spec(value) for value in model.graph.output),
    )


def _name(opset: _Proto) -> str:
    return opset.domain or "ai.onnx"


def _domains(model: _Proto) -> set[str]:
    """Domains that the runtime must know: its own, and every other that the file does not define.

    An import of some other domain that no node uses is a left-over that the runtime passes over.

    Raises:
        ValueError: The file needs another file, whose bytes no digest pins.
    """
    nodes = list(model.graph.node)
    nodes += (node for function in model.functions for node in function.node)
    _refuse_external_data(model.graph.initializer)
    _refuse_external_data(
        part for t in model.graph.sparse_initializer for part in (t.values, t.indices)
    )
    used = set(OPSETS)
    while nodes:
        node = nodes.pop()
        used.add(_name(node))
        if node.op_type == "EPContext":
            raise ValueError("holds a compiled engine (EPContext), expected the plain ONNX model")
        for attribute in node.attribute:
            _refuse_external_data([attribute.t, *attribute.tensors])
            for graph in (attribute.g, *attribute.graphs):
                _refuse_external_data(graph.initializer)
                nodes += graph.node
    return used - {function.domain for function in model.functions}


def _refuse_external_data(tensors: Iterable[_Proto]) -> None:
    for tensor in tensors:
        if tensor.data_location == _EXTERNAL:
            raise ValueError(
                f"keeps tensor {tensor.name!r} in another file, whose bytes no digest pins"
            )


def _spec(value: _Proto) -> TensorSpec:
    name, kind = value.name, value.type
    if not kind.HasField("tensor_type"):
        raise ValueError(f"has {name!r}, which is a sequence, map or optional, not a tensor")
    tensor = kind.tensor_type
    datatype = _DATATYPES.get(tensor.elem_type)
    if datatype is None:
        raise ValueError(f"has {name!r} with the element type {tensor.elem_type}, not servable")
    if not tensor.HasField("shape"):
        raise ValueError(
            f"has {name!r} without a shape: run onnx.shape_inference and save it again"
        )
    return TensorSpec(name, datatype, tuple(_size(dimension) for dimension in tensor.shape.dim))


def _size(dimension: _Proto) -> int:
    known = dimension.HasField("dim_value") and dimension.dim_value >= 0
    return int(dimension.dim_value) if known else ANY_SIZE
