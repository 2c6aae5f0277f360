"""Facts of an artifact whose bytes are at hand: size, digest and what its graph declares.

The file is read as data: no external tensor file is opened and nothing is run.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from modelctl.model import contained
from modelctl.model.onnxruntime_support import OPSETS
from modelctl.model.soundness import selfcontained
from modelctl.model.soundness.functions import every_node
from modelctl.model.soundness.view import domain_name
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
ANY_SIZE = -1  # of a dimension that the graph leaves open, such as the batch
_CPU = ("cpu",)
_ENDED = "ends the process that reads it"


@dataclass(frozen=True, slots=True)
class ArtifactFacts:
    """What an artifact's bytes say; `graph` is None where `problem` says why.

    `sha256` is empty where the file is too large to be read here. `cpu_problem` is one only where
    a release asks for no other provider than the CPU.
    """

    path: str
    sha256: str
    size_bytes: int
    graph: Graph | None
    problem: str = ""
    cpu_problem: str = ""

    @property
    def is_certain(self) -> bool:
        """Whether another reading would say the same: it may have ended for lack of memory."""
        return not self.problem.startswith(_ENDED)

    def problem_with(self, providers: Sequence[str]) -> str:
        """Why ONNX Runtime would not load the file with those providers; empty where it would."""
        return self.problem or (self.cpu_problem if tuple(providers) == _CPU else "")


def too_large(path: str, size_bytes: int) -> ArtifactFacts:
    """What can be said of a file that is not read."""
    problem = f"has {size_bytes} bytes, expected at most {MAX_GRAPH_BYTES} in a repository"
    return ArtifactFacts(path, "", size_bytes, None, problem)


def artifact_facts(path: str, content: bytes) -> ArtifactFacts:
    """The facts of the bytes of an ONNX file; a broken file is a fact as well."""
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        graph, problem, cpu_problem = json.loads(contained.call(answer, content))
    except contained.ContainedError as error:
        graph, cpu_problem = None, ""
        problem = f"{_ENDED} ({error}), as it would a model server"
    return ArtifactFacts(
        path, sha256, len(content), _graph(graph) if graph else None, problem, cpu_problem
    )


def answer(content: bytes) -> str:
    """What `artifact_facts` asks the child that reads a file: graph and problems, as JSON."""
    from modelctl.model.soundness import judge  # noqa: PLC0415 - the child alone needs it

    try:
        model = _parsed(content)
        graph = _declared(model)
    except UnicodeDecodeError as error:
        return json.dumps([None, f"has a name that is no UTF-8: {error.object!r}", ""])
    except ValueError as error:
        return json.dumps([None, str(error), ""])
    judgement = judge.judge(model)
    fields = None if judgement.problem else asdict(graph)
    return json.dumps([fields, judgement.problem, judgement.cpu_problem])


def _graph(fields: dict[str, Any]) -> Graph:
    inputs, outputs = (
        tuple(TensorSpec(one["name"], one["datatype"], tuple(one["shape"])) for one in fields[side])
        for side in ("inputs", "outputs")
    )
    return Graph(fields["ir_version"], fields["opsets"], inputs, outputs)


def read_graph(content: bytes) -> Graph:
    """What the graph of an ONNX file declares, whether or not ONNX Runtime would load it.

    Raises:
        ValueError: The bytes are no ONNX model, or use what a model server cannot take.
    """
    return _declared(_parsed(content))


def _parsed(content: bytes) -> _Proto:
    import onnx  # noqa: PLC0415 - a quarter second of import that most commands do not need
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - comes with onnx

    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise ValueError("is truncated or is not an ONNX file") from error
    return model


def _declared(model: _Proto) -> Graph:
    if not model.graph.output or not model.opset_import:
        raise ValueError("is not an ONNX model: it has no outputs or no opset")
    selfcontained.check(model)
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
    return domain_name(opset.domain)


def _domains(model: _Proto) -> set[str]:
    """Domains that the runtime must know: its own, and every other that the file does not define.

    An import of some other domain that no node uses is a left-over that the runtime passes over.
    """
    nodes = [*model.graph.node, *(node for each in model.functions for node in each.node)]
    used = {domain_name(node.domain) for node in every_node(nodes)}
    return used.union(OPSETS) - {function.domain for function in model.functions}


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
