"""Fewer hidden units: whole ones, of dense layers, that say the least.

A unit's say is how much its activation varies over the rows, times the size of the weights that go
on from it. What a removed unit gave on average is added to the bias after it. Single weights that
are set to zero would bring nothing: ONNX Runtime multiplies by zero as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelctl.packaging import apart, arrays, running
from modelctl.packaging.arrays import Arrays

_Proto = Any  # protobuf messages carry no types here
_Values = NDArray[Any]

_UNARY = frozenset(
    {"Celu", "Elu", "Gelu", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Mish", "Relu"}
    | {"Selu", "Sigmoid", "Softplus", "Softsign", "Swish", "Tanh", "ThresholdedRelu"}
)
_DENSE = frozenset({"Gemm", "MatMul"})


def pruned(model: bytes, fraction: float, rows: Arrays) -> tuple[bytes, tuple[str, ...]]:
    """The model without a fraction of the units of each hidden dense layer, and what was removed.

    Raises:
        UsageError: It has no hidden dense layer that can be told from the graph.
    """
    with apart.folder() as folder:
        (folder / "in.onnx").write_bytes(model)
        arrays.write(folder / "rows.npz", rows)
        answer = apart.asked(reply, {"fraction": fraction, "folder": str(folder)})
        return (folder / "out.onnx").read_bytes(), tuple(answer["removed"])


def reply(request: bytes) -> str:
    """What the child answers; the model is written beside the one it was given."""
    return apart.answered(_done, request)


def _done(fields: dict[str, Any]) -> Mapping[str, object]:
    import onnx  # noqa: PLC0415 - the child alone needs it

    folder = Path(fields["folder"])
    graph = _Graph(onnx.load(folder / "in.onnx"))
    hidden = list(graph.hidden())
    if not hidden:
        raise ValueError(
            "found no hidden dense layer (Gemm or MatMul, activation, Gemm or MatMul with constant "
            "weights), expected one to prune: leave --prune out, or prune where it is trained"
        )
    activations = graph.values([each.activation for each in hidden], folder / "rows.npz")
    removed = [graph.remove(each, activations[each.activation], fields["fraction"])
               for each in hidden]  # fmt: skip
    del graph.model.graph.value_info[:]  # they say the old sizes
    onnx.checker.check_model(graph.model)
    (folder / "out.onnx").write_bytes(graph.model.SerializeToString(deterministic=True))
    return {"removed": removed}


@dataclass(frozen=True)
class _Hidden:
    """A hidden layer: the nodes and constants before and after its activation."""

    before: _Proto
    bias: str  # of `before`, or empty
    activation: str
    after: _Proto
    bias_after: str  # of `after`, or empty


class _Graph:
    """The main graph, with who makes, takes and holds a value."""

    def __init__(self, model: _Proto) -> None:
        self.model = model
        self.nodes = model.graph.node
        self.constants = {each.name: each for each in model.graph.initializer}
        self.takers: dict[str, list[_Proto]] = {}
        for node in self.nodes:
            for name in node.input:
                self.takers.setdefault(name, []).append(node)
        self.outputs = {each.name for each in model.graph.output}

    def hidden(self) -> Iterator[_Hidden]:
        """Every chain from a dense layer over an activation to the next dense layer."""
        for node in self.nodes:
            if self._is_dense(node):
                found = self._chain(node)
                if found is not None:
                    yield found

    def _is_dense(self, node: _Proto) -> bool:
        return (
            node.op_type in _DENSE
            and node.domain == ""
            and not _number(node, "transA")
            and self._own(node.input[1], 2)
            and (not _bias_of(node) or self._is_vector(_bias_of(node), self._units(node)))
        )

    def _own(self, name: str, rank: int) -> bool:
        """Whether a value is a constant of that rank which one node alone takes."""
        constant = self.constants.get(name)
        return constant is not None and len(constant.dims) == rank and len(self.takers[name]) == 1

    def _is_vector(self, name: str, length: int) -> bool:
        """Whether a value is a constant with a number for each unit, which one node alone takes."""
        sizes = list(self.constants[name].dims) if name in self.constants else []
        return self._own(name, len(sizes)) and sizes[-1:] == [length] == [prod(sizes)]

    def _next(self, name: str) -> _Proto | None:
        """The only node that takes a value, None where others see it too."""
        takers = self.takers.get(name, [])
        return takers[0] if len(takers) == 1 and name not in self.outputs else None

    def _bias(self, node: _Proto) -> tuple[str, str]:
        """The constant that is added to a dense layer, and the value after that."""
        if _bias_of(node):
            return _bias_of(node), node.output[0]
        after = self._next(node.output[0])
        if after is not None and after.op_type == "Add":
            other = next((name for name in after.input if name != node.output[0]), "")
            if self._is_vector(other, self._units(node)):
                return other, after.output[0]
        return "", node.output[0]

    def _units(self, node: _Proto) -> int:
        rows, columns = self.constants[node.input[1]].dims
        return int(rows if _number(node, "transB") else columns)

    def _chain(self, node: _Proto) -> _Hidden | None:
        bias, value = self._bias(node)
        after = self._next(value)
        while after is not None and after.op_type in _UNARY and after.domain == "":
            value = after.output[0]
            after = self._next(value)
        if after is None or not self._is_dense(after) or after.input[0] != value:
            return None
        return _Hidden(node, bias, value, after, self._bias(after)[0])

    def values(self, names: Sequence[str], rows: Path) -> dict[str, _Values]:
        """What the rows make of inner values."""
        import onnx  # noqa: PLC0415 - the child alone needs it

        seen = onnx.ModelProto()
        seen.CopyFrom(self.model)
        seen.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
        return running.outputs(running.session(seen.SerializeToString()), arrays.read(rows))

    def remove(self, layer: _Hidden, activation: _Values, fraction: float) -> str:
        """Take the units with the least say out of a layer; gives words about it."""
        flat = activation.reshape(-1, activation.shape[-1])
        onward = self._matrix(layer.after)
        say = flat.std(axis=0) * np.linalg.norm(onward, axis=1)
        total = len(say)
        kept = np.sort(np.argsort(-say, kind="stable")[: max(1, ceil(total * (1 - fraction)))])
        gone = np.setdiff1d(np.arange(total), kept)
        if layer.bias_after and _number(layer.after, "alpha", 1.0) == 1.0:
            lost = flat.mean(axis=0)[gone] @ onward[gone]
            self._put(layer.bias_after, self._array(layer.bias_after) + lost)
        self._put_matrix(layer.before, self._matrix(layer.before)[:, kept])
        self._put_matrix(layer.after, onward[kept])
        if layer.bias:
            self._put(layer.bias, self._array(layer.bias)[..., kept])
        return f"{layer.before.input[1]}: {total} units, now {len(kept)}"

    def _array(self, name: str) -> _Values:
        from onnx import numpy_helper  # noqa: PLC0415 - the child alone needs it

        return np.asarray(numpy_helper.to_array(self.constants[name]))

    def _matrix(self, node: _Proto) -> _Values:
        """The weights of a dense layer, `[inputs, outputs]`."""
        values = self._array(node.input[1])
        return values.T if _number(node, "transB") else values

    def _put_matrix(self, node: _Proto, values: _Values) -> None:
        self._put(node.input[1], values.T if _number(node, "transB") else values)

    def _put(self, name: str, values: _Values) -> None:
        from onnx import numpy_helper  # noqa: PLC0415 - the child alone needs it

        dtype = self._array(name).dtype
        contiguous = np.ascontiguousarray(values.astype(dtype))
        self.constants[name].CopyFrom(numpy_helper.from_array(contiguous, name))


def _bias_of(node: _Proto) -> str:
    """The name of a Gemm's own bias, empty where there is none."""
    return str(node.input[2]) if len(node.input) == len(("A", "B", "C")) else ""


def _number(node: _Proto, name: str, default: float = 0.0) -> float:
    """A number among a node's attributes."""
    found = next((each for each in node.attribute if each.name == name), None)
    if found is None:
        return default
    return float(found.f if found.type == 1 else found.i)  # AttributeProto.FLOAT
