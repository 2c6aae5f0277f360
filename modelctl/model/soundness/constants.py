"""The tensors that a graph brings: initializers, sparse ones and Constant nodes, as one mapping.

ONNX Runtime makes initializers of all three before it looks at the nodes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelctl.model.soundness import tensors
from modelctl.model.soundness.errors import UnsoundError
from modelctl.model.soundness.view import CONSTANT, Body, Node

_Proto = Any  # protobuf messages carry no types here

_SCALARS = {"f": (1, "float_data"), "i": (7, "int64_data"), "s": (8, "string_data")}
_LISTS = {"floats": (1, "float_data"), "ints": (7, "int64_data"), "strings": (8, "string_data")}
_FIELDS = {
    1: "f",
    2: "i",
    3: "s",
    4: "t",
    6: "floats",
    7: "ints",
    8: "strings",
    11: "sparse_tensor",
}


@dataclass(frozen=True, slots=True)
class Constants:
    """The tensor of each name, the last where there are several; those of `sparse` have no data."""

    tensors: Mapping[str, _Proto]
    sparse: frozenset[str]


def of(body: Body) -> Constants:
    """What a graph brings.

    Raises `UnsoundError`: a constant has no value, or a tensor no element type.
    """
    found: dict[str, _Proto] = {}
    for name, tensor in body.tensors:
        tensors.refuse_bad_type(tensor, name)
        found[name] = _same_as_before(found, name, tensor)
    sparse = [*body.sparse]
    for node in body.nodes:
        if node.op == CONSTANT:
            name, tensor = _constant(node)
            if tensor.DESCRIPTOR.name == "SparseTensorProto":
                sparse.append((name, tensor))
            else:
                found[name] = _same_as_before(found, name, tensor)
    names = [name for name, _ in sparse]
    if len(set(names)) < len(names):
        raise UnsoundError(f"has two sparse tensors with one name among {sorted(names)}")
    for name, tensor in sparse:
        found[name] = _same_as_before(found, name, _dense(tensor, name))
    return Constants(found, frozenset(names))


def _same_as_before(found: dict[str, _Proto], name: str, tensor: _Proto) -> _Proto:
    before = found.get(name)
    if before is not None and (before.data_type, before.dims) != (tensor.data_type, tensor.dims):
        raise UnsoundError(f"has two initializers {name!r} of different types or shapes")
    return tensor


def _constant(node: Node) -> tuple[str, _Proto]:
    if len(node.outputs) != 1:
        raise UnsoundError(f"has {node}, a Constant with {len(node.outputs)} outputs, expected 1")
    name = node.outputs[0]
    attribute = next(iter(node.attributes.values()), None)
    field = _FIELDS.get(attribute.type) if attribute is not None else None
    if attribute is None or field is None:
        raise UnsoundError(f"has {node}, a Constant without a value")
    if field in ("t", "sparse_tensor"):
        value = getattr(attribute, field)
        if field == "t":
            tensors.refuse_bad_type(value, name)
        return name, value
    return name, _tensor(attribute, field)


def _tensor(attribute: _Proto, field: str) -> _Proto:
    from onnx import TensorProto  # noqa: PLC0415 - a quarter second

    data_type, target = _SCALARS.get(field) or _LISTS[field]
    tensor = TensorProto(data_type=data_type)
    value = getattr(attribute, field)
    getattr(tensor, target).extend([value] if field in _SCALARS else value)
    if field in _LISTS:
        tensor.dims.append(len(value))
    return tensor


def _dense(sparse: _Proto, name: str) -> _Proto:
    """A tensor of the shape and type that a sparse one stands for, without data.

    Raises `UnsoundError`: values and places do not fit together.
    """
    from onnx import TensorProto, numpy_helper  # noqa: PLC0415 - a quarter second

    values, indices, dims = sparse.values, sparse.indices, list(sparse.dims)
    tensors.refuse_bad_type(values, name)
    tensors.refuse_bad_data(values, name)
    if not dims or any(size <= 0 for size in dims) or len(values.dims) != 1:
        raise UnsoundError(f"has the sparse tensor {name!r} with the shape {dims}")
    count = values.dims[0]
    if count:
        tensors.refuse_bad_type(indices, name)
        tensors.refuse_bad_data(indices, name)
        if list(indices.dims) not in ([count], [count, len(dims)]):
            raise UnsoundError(
                f"has the sparse tensor {name!r} with {count} values and places of the shape "
                f"{list(indices.dims)}"
            )
        places = numpy_helper.to_array(indices)
        limits = dims if places.ndim > 1 else math.prod(dims)
        if (places < 0).any() or (places >= limits).any():
            raise UnsoundError(f"has the sparse tensor {name!r} with values outside its shape")
    return TensorProto(data_type=values.data_type, dims=dims)
