"""Tensors of an ONNX file: what they are, and the values of the small ones.

Source: onnx.proto (TensorProto, SparseTensorProto).
"""

from math import prod
from types import MappingProxyType

import numpy as np

from modelserver.artifact.protobuf import Bytes
from modelserver.model.graph import messages, parts
from modelserver.model.graph.messages import Found, Table, last
from modelserver.model.graph.parts import MANY, Tensor

_TENSOR: Table = MappingProxyType(
    {
        1: ("dims", messages.integers),
        2: ("type", messages.integers),
        8: ("name", messages.text),
        9: ("raw", messages.span),
    }
)
# The numbers, of a tensor that is small enough; int32 holds the smaller types as well.
_NUMBERS: Table = MappingProxyType(
    {
        4: ("float", messages.floats),
        5: ("int32", messages.integers),
        7: ("int64", messages.integers),
        10: ("double", messages.doubles),
        11: ("uint64", messages.integers),
    }
)
_SPARSE: Table = MappingProxyType({1: ("values", messages.span), 3: ("dims", messages.integers)})
# Of an element type: the layout of raw data, and the field that has the numbers otherwise.
_LAYOUTS = MappingProxyType(
    {
        parts.FLOAT: ("<f4", "float"),
        parts.DOUBLE: ("<f8", "double"),
        parts.INT8: ("<i1", "int32"),
        parts.UINT8: ("<u1", "int32"),
        parts.INT16: ("<i2", "int32"),
        parts.UINT16: ("<u2", "int32"),
        parts.INT32: ("<i4", "int32"),
        parts.INT64: ("<i8", "int64"),
        parts.UINT32: ("<u4", "uint64"),
        parts.UINT64: ("<u8", "uint64"),
        parts.BOOL: ("?", "int32"),
    }
)


def read(content: Bytes, start: int, end: int) -> Tensor:
    """The tensor in a TensorProto."""
    head = messages.read(content, start, end, _TENSOR)
    dims = tuple(head["dims"])
    values = None
    if min(dims, default=1) >= 0 and prod(dims) <= MANY:
        values = _values(content, start, end, head)
    if values is not None and len(values) != prod(dims):
        values = None
    return Tensor(last(head, "name", ""), last(head, "type", 0), dims, values)


def read_sparse(content: Bytes, start: int, end: int) -> Tensor:
    """The tensor in a SparseTensorProto, without its values."""
    found = messages.read(content, start, end, _SPARSE)
    inner = read(content, *found["values"][-1]) if found["values"] else Tensor("", 0, ())
    return Tensor(inner.name, inner.element_type, tuple(found["dims"]), is_sparse=True)


def _values(content: Bytes, start: int, end: int, head: Found) -> tuple[int | float, ...] | None:
    layout, field = _LAYOUTS.get(last(head, "type", 0), ("", ""))
    if not layout:
        return None
    if not head["raw"]:
        return tuple(messages.read(content, start, end, _NUMBERS)[field])
    first, stop = head["raw"][-1]
    if (stop - first) % np.dtype(layout).itemsize:
        return None
    return tuple(np.frombuffer(content[first:stop], layout).tolist())
